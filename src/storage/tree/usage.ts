import { closeSync, lstatSync, openSync, readdirSync, type Stats } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { unlessErrno } from '../../base/errors.ts'
import { O, openat2, RESOLVE } from '../../syscall/file.ts'

const SEPARATOR = Buffer.from('/')

/**
 * Bytes of all files of a tree together; a file with several names counts once. 0 where it does not exist, and for what this user may not look
 * into. Each directory is opened from the root without a link on the way: a container may be changing its tree.
 */
export function treeBytes(root: HostPath): number {
  let bytes = 0
  const counted = new Set<string>()
  const rootFd = attempt(() => openSync(root, O.path | O.directory | O.cloexec))
  if (rootFd === undefined) return 0
  try {
    const open: Buffer[] = [Buffer.from('.')]
    for (let directory = open.pop(); directory; directory = open.pop()) {
      for (const { name, found } of listDirectory(rootFd, directory)) {
        if (found?.isDirectory()) open.push(Buffer.concat([directory, SEPARATOR, name]))
        if (!found?.isFile()) continue
        if (found.nlink === 1 || isNew(counted, `${found.dev}:${found.ino}`)) bytes += found.size
      }
    }
  } finally {
    closeSync(rootFd)
  }
  return bytes
}

const ONLY_BELOW = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagiclinks

interface NamedStats {
  readonly name: Buffer
  readonly found: Stats | undefined
}

/** Empty for what may not be read. */
function listDirectory(rootFd: number, path: Buffer): readonly NamedStats[] {
  const flags = O.rdonly | O.directory | O.nofollow
  const fd = attempt(() => openat2({ dirfd: rootFd, path, flags, resolve: ONLY_BELOW }))
  if (fd === undefined) return []
  try {
    const place = Buffer.from(`/proc/self/fd/${fd}/`)
    return readdirSync(place, { encoding: 'buffer' }).map((name) => ({
      name,
      found: attempt(() => lstatSync(Buffer.concat([place, name]))),
    }))
  } finally {
    closeSync(fd)
  }
}

function isNew(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false
  seen.add(key)
  return true
}

/** undefined for what may not be read; what is gone by now is empty. */
function attempt<T>(read: () => T): T | undefined {
  return unlessErrno(read, 'EACCES', 'EPERM', 'ENOENT', 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR', 'EXDEV')
}
