import { closeSync, openSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { BryoError, messageOf } from '../../base/errors.ts'
import { ownFd, sendFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { connectUnixSocket } from '../../syscall/socket.ts'

/** Where the master end of a terminal goes; closed with its scope. */
export interface ConsoleConnection extends Disposable {
  send(masterFd: number): void
}

/**
 * Connects to the socket of who asked for a terminal.
 * @throws BryoError USAGE where only one of terminal and socket is there; NOT_FOUND where nobody listens
 */
export function connectConsole(
  cwd: string,
  socket: string | undefined,
  terminal: boolean,
): ConsoleConnection {
  if (terminal && socket === undefined) {
    throw new BryoError(
      'USAGE',
      'cannot make a terminal: process.terminal is true, expected --console-socket with it',
    )
  }
  if (!terminal && socket !== undefined) {
    throw new BryoError('USAGE', 'cannot use --console-socket: process.terminal is false, expected true')
  }
  if (socket === undefined) return { send: () => {}, [Symbol.dispose]: () => {} }
  const fd = connect(resolve(cwd, socket))
  return { send: (masterFd) => sendFd(fd, masterFd), [Symbol.dispose]: () => closeSync(fd) }
}

/** By its directory: the path of a socket has room for 107 bytes only. */
function connect(path: string): number {
  try {
    using directory = ownFd(openSync(dirname(path), O.path | O.directory | O.cloexec))
    return connectUnixSocket(`/proc/self/fd/${directory.fd}/${basename(path)}`)
  } catch (error) {
    throw new BryoError('NOT_FOUND', `cannot connect to the console socket "${path}": ${messageOf(error)}`, {
      cause: error,
    })
  }
}
