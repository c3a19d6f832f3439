import type { TarEntry } from '../../../src/base/tarEntry.ts'
import type { TarSource } from '../../../src/image/tar/input.ts'
import { type ReadTarOptions, readTar } from '../../../src/image/tar/read.ts'

export interface CollectedEntry extends Omit<TarEntry, 'content' | 'name' | 'linkName' | 'xattrs'> {
  readonly name: string
  readonly linkName: string
  readonly xattrs: Readonly<Record<string, string>>
  readonly content: Buffer
}

export function bufferSource(bytes: Uint8Array): TarSource {
  let position = 0
  return {
    read: (buffer) => {
      const part = bytes.subarray(position, position + buffer.byteLength)
      buffer.set(part)
      position += part.byteLength
      return part.byteLength
    },
  }
}

/** Everything that an archive holds; names and attributes as latin1. */
export function collect(archive: Uint8Array, options: ReadTarOptions = {}): readonly CollectedEntry[] {
  const entries: CollectedEntry[] = []
  for (const entry of readTar(bufferSource(archive), { bufferSize: 4096, ...options })) {
    entries.push({
      ...entry,
      name: entry.name.toString('latin1'),
      linkName: entry.linkName.toString('latin1'),
      xattrs: Object.fromEntries([...entry.xattrs].map(([key, value]) => [key, value.toString('latin1')])),
      content: readAll(entry),
    })
  }
  return entries
}

function readAll(entry: TarEntry): Buffer {
  const parts: Buffer[] = []
  for (;;) {
    const buffer = Buffer.alloc(1000)
    const count = entry.content.read(buffer)
    if (count === 0) return Buffer.concat(parts)
    parts.push(buffer.subarray(0, count))
  }
}
