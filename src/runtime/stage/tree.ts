import { fstatSync, readdirSync, type Stats } from 'node:fs'
import { constants } from 'node:os'
import { BryoError } from '../../base/errors.ts'
import { SyscallError } from '../../syscall/error.ts'
import { type OwnedFd, ownFd } from '../../syscall/fd.ts'
import { O, openat2, RESOLVE, tryOpenat2 } from '../../syscall/file.ts'

/** One component, never through a link: whoever swaps files meanwhile changes what is found, not where it is looked for. */
const ONLY_HERE = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagiclinks
/** Each level holds two fds, of 1024 that a process has. */
const MAX_DEPTH = 400

/** A file of any type, open by O_PATH. */
export interface Entry extends Disposable {
  readonly fd: number
  readonly stats: Stats
}

/** Each file in a directory. What vanishes meanwhile is left out. */
export function* entriesOf(
  directoryFd: number,
): Generator<Entry & { readonly name: Buffer }, void, undefined> {
  for (const name of readdirSync(`/proc/self/fd/${directoryFd}`, { encoding: 'buffer' })) {
    using found = openEntry(directoryFd, name)
    if (found) yield { name, fd: found.fd, stats: fstatSync(found.fd), [Symbol.dispose]: () => {} }
  }
}

function openEntry(dirfd: number, name: Buffer): OwnedFd | undefined {
  const fd = tryOpenat2({ dirfd, path: name, flags: O.path | O.nofollow, resolve: ONLY_HERE })
  if (fd >= 0) return ownFd(fd)
  if (-fd === constants.errno.ENOENT) return undefined
  throw new SyscallError('openat2', -fd, { path: String(name) })
}

/** Opens a directory, known by O_PATH, to be read. */
export function openDirectory(fd: number): OwnedFd {
  return ownFd(openat2({ dirfd: fd, path: '.', flags: O.rdonly | O.directory }))
}

/** Opens a file that must still be what its name meant. */
export function openAt(dirfd: number, name: Buffer, flags: number, mode = 0): OwnedFd {
  return ownFd(openat2({ dirfd, path: name, flags: flags | O.nofollow, mode, resolve: ONLY_HERE }))
}

/** @throws BryoError STORAGE below so many levels */
export function checkDepth(depth: number, what: string): void {
  if (depth > MAX_DEPTH)
    throw new BryoError(
      'STORAGE',
      `cannot ${what}: directories are nested too deeply, expected at most ${MAX_DEPTH}`,
    )
}
