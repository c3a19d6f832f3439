import { closeSync, existsSync, lstatSync, openSync, readdirSync, type Stats } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { isErrno } from '../../base/errors.ts'
import { O, openat2, RESOLVE } from '../../syscall/file.ts'

export interface TreeUsage {
  /** Length of all files together. */
  readonly bytes: number
  /** Bytes that they take on the disk. */
  readonly allocated: number
  /** Files, links and directories below the root. */
  readonly entries: number
  /** Directories that this user may not look into, and what lies too deep for a path. */
  readonly unreadable: number
}

const BLOCK = 512
const SEPARATOR = Buffer.from('/')

/**
 * What a tree takes; a file with several names counts once. All zero where it does not exist. Each directory is opened from the root without
 * a link on the way: a container may be changing its tree.
 */
export function treeUsage(root: HostPath): TreeUsage {
  let [bytes, allocated, entries, unreadable] = [0, 0, 0, 0]
  const counted = new Set<string>()
  const rootFd = attempt(() => openSync(root, O.path | O.directory | O.cloexec))
  if (rootFd === undefined) return { bytes, allocated, entries, unreadable: existsSync(root) ? 1 : 0 }
  try {
    const open: Buffer[] = [Buffer.from('.')]
    for (let directory = open.pop(); directory; directory = open.pop()) {
      const facts = listDirectory(rootFd, directory)
      if (!facts) unreadable += 1
      for (const { name, found } of facts ?? []) {
        if (!found) {
          unreadable += 1
          continue
        }
        entries += 1
        if (found.isDirectory()) open.push(Buffer.concat([directory, SEPARATOR, name]))
        else if (found.nlink > 1 && !isNew(counted, `${found.dev}:${found.ino}`)) continue
        allocated += found.blocks * BLOCK
        if (found.isFile()) bytes += found.size
      }
    }
  } finally {
    closeSync(rootFd)
  }
  return { bytes, allocated, entries, unreadable }
}

const ONLY_BELOW = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagiclinks

interface NamedStats {
  readonly name: Buffer
  readonly found: Stats | undefined
}

/** undefined for what may not be read. */
function listDirectory(rootFd: number, path: Buffer): readonly NamedStats[] | undefined {
  const flags = O.rdonly | O.directory | O.nofollow
  const fd = attempt(() => openat2({ dirfd: rootFd, path, flags, resolve: ONLY_BELOW }))
  if (fd === undefined) return undefined
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
  try {
    return read()
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR', 'EXDEV'))
      return undefined
    throw error
  }
}
