import { readSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'

/** The regular files of an archive or a directory, by relative path with `/`. Nothing outside can be reached by a name. */
export interface FileTree extends Disposable {
  /** For messages. */
  readonly label: string
  readonly find: (name: string) => TreeFile | undefined
}

export interface TreeFile {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** The bytes from `offset` to the end. */
  readonly read: (offset: number) => AsyncIterable<Uint8Array>
}

/** @throws BryoError INVALID_ARCHIVE where the file is missing */
export function needFile(tree: FileTree, name: string): TreeFile {
  const file = tree.find(name)
  if (file) return file
  throw new BryoError('INVALID_ARCHIVE', `cannot read image archive "${tree.label}": "${name}" is missing`)
}

/**
 * A small document in whole.
 * @param limit bytes
 * @throws BryoError INVALID_ARCHIVE
 */
export async function readWhole(tree: FileTree, file: TreeFile, limit: number): Promise<Uint8Array> {
  if (file.size > limit) {
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot read image archive "${tree.label}": "${file.name}" has ${file.size} bytes, expected at most ${limit}`,
    )
  }
  const parts: Uint8Array[] = []
  for await (const chunk of file.read(0)) parts.push(chunk)
  return Buffer.concat(parts)
}

const CHUNK_SIZE = 64 * 1024

/** A part of an open file that is known to be that long. @throws BryoError INVALID_ARCHIVE where it became shorter */
export async function* readPart(
  label: string,
  fd: number,
  part: { readonly offset: number; readonly size: number },
): AsyncGenerator<Uint8Array> {
  let position = part.offset
  const end = part.offset + part.size
  while (position < end) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_SIZE, end - position))
    const count = readSync(fd, buffer, 0, buffer.byteLength, position)
    if (count === 0)
      throw new BryoError('INVALID_ARCHIVE', `cannot read image archive "${label}": it is truncated`)
    position += count
    yield buffer.subarray(0, count)
  }
}
