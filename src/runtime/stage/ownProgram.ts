import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import { O } from '../../syscall/file.ts'

/** A script's interpreter may be a script again, so often. @see execve(2) Interpreter scripts */
const MAX_INTERPRETERS = 5
/** As much as the kernel reads. */
const HEAD_BYTES = 256

/**
 * Refuses what would execute this process's own program once more, as /proc/self/exe or as the interpreter of a script:
 * the workload would hold a file of the host, and could change it where it is the caller's. The file may have been exchanged by the time
 * it is executed: what does not depend on that is the trampoline of executeWorkload(); this has the better message.
 * @param path of the program, found in the container as the kernel will find it
 * @param options.unreadable refuse a file as well that cannot be looked into
 * @throws BryoError COMMAND_NOT_EXECUTABLE
 * @see CVE-2019-5736
 */
export function refuseOwnProgram(path: string, options: { readonly unreadable: boolean }): void {
  // Without a /proc there is no way to name the program either.
  const own = statSync('/proc/self/exe', { throwIfNoEntry: false })
  if (!own) return
  let next: string | undefined = path
  for (let level = 0; next !== undefined && level <= MAX_INTERPRETERS; level++) {
    const file = inspect(next)
    if (!file) return
    const unreadable = options.unreadable && file.head === undefined && own.uid === process.getuid?.()
    if (unreadable || (file.stats.dev === own.dev && file.stats.ino === own.ino)) {
      const found = unreadable ? 'a file that its owner may not read' : 'the program that starts containers'
      throw new BryoError('COMMAND_NOT_EXECUTABLE', `cannot execute "${path}": it is ${found}`)
    }
    next = interpreterOf(file.head ?? '')
  }
}

/** Undefined for what cannot be executed; without a head where it can only be executed. */
function inspect(path: string): { readonly stats: Stats; readonly head: string | undefined } | undefined {
  try {
    const stats = statSync(path)
    if (!stats.isFile()) return undefined
    return { stats, head: readHead(path) }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) return undefined
    throw error
  }
}

function readHead(path: string): string | undefined {
  const flags = O.rdonly | O.nonblock | O.noctty | O.cloexec
  // EMFILE: the workload has a limit of descriptors that leaves no room for this one.
  const fd = unlessErrno(() => openSync(path, flags), 'EACCES', 'EPERM', 'EMFILE')
  if (fd === undefined) return undefined
  try {
    const buffer = Buffer.alloc(HEAD_BYTES)
    return fstatSync(fd).isFile() ? buffer.toString('latin1', 0, readSync(fd, buffer)) : ''
  } finally {
    closeSync(fd)
  }
}

function interpreterOf(head: string): string | undefined {
  return /^#![ \t]*([^ \t\n\0]+)/.exec(head)?.[1]
}
