import { lstatSync, readdirSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { isErrno } from '../../base/errors.ts'

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

/** What a tree takes; a file with several names counts once. Never follows links. All zero where it does not exist. */
export function treeUsage(root: HostPath): TreeUsage {
  let [bytes, allocated, entries, unreadable] = [0, 0, 0, 0]
  const counted = new Set<string>()
  const open: Buffer[] = [Buffer.from(root)]
  for (let directory = open.pop(); directory; directory = open.pop()) {
    const names = attempt(() => readdirSync(directory, { encoding: 'buffer' }))
    if (!names) unreadable += 1
    for (const name of names ?? []) {
      const path = Buffer.concat([directory, SEPARATOR, name])
      const found = attempt(() => lstatSync(path))
      if (!found) {
        unreadable += 1
        continue
      }
      entries += 1
      if (found.isDirectory()) open.push(path)
      else if (found.nlink > 1 && !isNew(counted, `${found.dev}:${found.ino}`)) continue
      allocated += found.blocks * BLOCK
      if (found.isFile()) bytes += found.size
    }
  }
  return { bytes, allocated, entries, unreadable }
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
    if (isErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ENAMETOOLONG')) return undefined
    throw error
  }
}
