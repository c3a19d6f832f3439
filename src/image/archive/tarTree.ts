import { BryoError } from '../../base/errors.ts'
import type { OwnedFd } from '../../syscall/fd.ts'
import { indexTar, type TarIndexEntry } from '../tar/indexTar.ts'
import { type FileTree, readPart, type TreeFile } from './fileTree.ts'

const MAX_LINKS = 8

/** The files of an uncompressed tar; owns the fd. @throws BryoError INVALID_ARCHIVE */
export function openTarTree(owner: OwnedFd, label: string): FileTree {
  const entries = new Map<string, TarIndexEntry>()
  // An image is complete when all that its manifest names is there, so the end marker proves nothing more.
  for (const entry of indexTar(owner.fd, { endMarker: 'optional' })) {
    const name = entryPath(label, entry.name)
    if (name !== '' && entry.type !== 'directory') entries.set(name, entry)
  }
  const find = (name: string): TreeFile | undefined => {
    const entry = resolveLinks(entries, label, name)
    if (!entry) return undefined
    if (entry.type !== 'file' || entry.sparse) {
      throw new BryoError(
        'INVALID_ARCHIVE',
        `cannot read image archive "${label}": "${name}" is no plain file`,
      )
    }
    return { name, size: entry.size, read: (offset) => readPart(label, owner.fd, partOf(entry, offset)) }
  }
  return { label, find, [Symbol.dispose]: owner.close }
}

function partOf(entry: TarIndexEntry, offset: number): { readonly offset: number; readonly size: number } {
  const skipped = Math.min(offset, entry.size)
  return { offset: entry.offset + skipped, size: entry.size - skipped }
}

/** `./a/b` and `a/b/` are `a/b`; a name that leads out is refused even though nothing is ever unpacked here. */
function entryPath(label: string, name: string): string {
  const parts = name.split('/').filter((part, index) => part !== '.' && (part !== '' || index === 0))
  if (parts[0] === '' && name !== '') throw escapes(label, name)
  if (parts.includes('..')) throw escapes(label, name)
  return parts.join('/')
}

function escapes(label: string, name: string): BryoError {
  return new BryoError(
    'INVALID_ARCHIVE',
    `cannot read image archive "${label}": the entry ${JSON.stringify(name.slice(0, 200))} leads out of it`,
  )
}

/** Old archives share layers by links: `ID/layer.tar` to `../OTHER/layer.tar`. */
function resolveLinks(
  entries: ReadonlyMap<string, TarIndexEntry>,
  label: string,
  name: string,
): TarIndexEntry | undefined {
  let current = name
  for (let links = 0; links <= MAX_LINKS; links++) {
    const entry = entries.get(current)
    if (entry?.type === 'symlink') current = joinInside(label, current, entry.linkName)
    else if (entry?.type === 'hardlink') current = entryPath(label, entry.linkName)
    else return entry
  }
  throw new BryoError(
    'INVALID_ARCHIVE',
    `cannot read image archive "${label}": "${name}" is a link without an end`,
  )
}

function joinInside(label: string, from: string, target: string): string {
  if (target.startsWith('/')) throw escapes(label, target)
  const path = from.split('/').slice(0, -1)
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') path.push(part)
    else if (path.pop() === undefined) throw escapes(label, target)
  }
  return path.join('/')
}
