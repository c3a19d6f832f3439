import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { unlessErrno } from '../base/errors.ts'

/** What cannot be read of a process: it is gone, the kernel does not let this user, or does not know (EINVAL: labels). */
const UNREADABLE = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL'] as const

/** A file of /proc as text, bytes as they are; undefined where it cannot be read. */
export function readProc(path: string): string | undefined {
  return attempt(() => readFileSync(path, 'latin1'))
}

/** As {@link readProc}, for text that people wrote. */
export function readProcText(path: string): string | undefined {
  return attempt(() => readFileSync(path, 'utf8'))
}

export function readProcLink(path: string): string | undefined {
  return attempt(() => readlinkSync(path))
}

/** The pids of all processes that /proc shows. */
export function allPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function attempt<T>(read: () => T): T | undefined {
  return unlessErrno(read, ...UNREADABLE)
}
