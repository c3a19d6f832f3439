import { closeSync, openSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { BryoError, messageOf } from '../../base/errors.ts'
import { dupAtLeast, ownFd, sendFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { connectUnixSocket } from '../../syscall/socket.ts'
import { getWindowSize, isTerminal, setWindowSize } from '../../syscall/tty.ts'

/** Where the master end of a terminal goes; closed with its scope. */
export interface ConsoleConnection extends Disposable {
  /** Takes the master end, which its owner closes after that. */
  send(masterFd: number): void
  /** A duplicate that stays with this process, where it serves the terminal itself: for the caller to close. */
  readonly kept: () => number | undefined
}

export interface ConsoleRequest {
  readonly cwd: string
  /** `--console-socket`. */
  readonly socket: string | undefined
  readonly terminal: boolean
  /** This process waits for the program, and can serve its terminal. */
  readonly foreground: boolean
}

const NOTHING = { send: () => {}, kept: () => undefined, [Symbol.dispose]: () => {} }

/**
 * Connects to the socket of who asked for a terminal.
 * @throws BryoError USAGE where only one of terminal and socket is there; NOT_FOUND where nobody listens
 */
export function connectConsole({ cwd, socket, terminal, foreground }: ConsoleRequest): ConsoleConnection {
  if (terminal && socket === undefined) {
    if (foreground) return keepMaster()
    throw new BryoError(
      'USAGE',
      'cannot make a terminal: process.terminal is true, expected --console-socket with it',
    )
  }
  if (!terminal && socket !== undefined) {
    throw new BryoError('USAGE', 'cannot use --console-socket: process.terminal is false, expected true')
  }
  if (socket === undefined) return NOTHING
  const fd = connect(resolve(cwd, socket))
  return { ...NOTHING, send: (masterFd) => sendFd(fd, masterFd), [Symbol.dispose]: () => closeSync(fd) }
}

function keepMaster(): ConsoleConnection {
  let master: number | undefined
  return {
    ...NOTHING,
    send: (masterFd) => {
      master = dupAtLeast(masterFd, FIRST_FD)
      // The program does not run yet, and finds the size that its terminal will have.
      const shown = [1, 0].find(isTerminal)
      if (shown !== undefined) setWindowSize(master, getWindowSize(shown))
    },
    kept: () => master,
  }
}

const FIRST_FD = 3

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
