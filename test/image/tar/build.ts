import type { TarEntryType, TarHeader } from '../../../src/base/tarEntry.ts'
import { createTarWriter } from '../../../src/image/tar/write.ts'

export interface BuiltEntry extends Partial<Omit<TarHeader, 'name' | 'linkName' | 'size'>> {
  readonly name: string | Buffer
  readonly linkName?: string | Buffer
  readonly content?: string | Uint8Array
  readonly type?: TarEntryType
}

const DEFAULT_MODE: Readonly<Record<string, number>> = { directory: 0o755, symlink: 0o777 }

export function headerOf(entry: BuiltEntry): TarHeader {
  const { name, linkName = '', content = '', type = 'file', ...rest } = entry
  return {
    mode: DEFAULT_MODE[type] ?? 0o644,
    uid: 0,
    gid: 0,
    mtime: { seconds: 1_600_000_000n, nanoseconds: 0n },
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
    ...rest,
    type,
    name: Buffer.from(name),
    linkName: Buffer.from(linkName),
    size: type === 'file' ? Buffer.from(content).length : 0,
  }
}

/** An archive by the writer under test; names may be anything. */
export function buildTar(entries: readonly BuiltEntry[]): Buffer {
  const parts: Buffer[] = []
  const writer = createTarWriter((data) => parts.push(Buffer.from(data)))
  for (const entry of entries) {
    const header = headerOf(entry)
    writer.add(header)
    if (header.size > 0) writer.content(Buffer.from(entry.content ?? ''))
  }
  writer.finish()
  return Buffer.concat(parts)
}

/** A header block of our own making: fields by offset, checksum added unless `checksum` is false. */
export function rawHeader(
  fields: readonly (readonly [offset: number, value: string | Buffer])[],
  options: { readonly checksum?: boolean; readonly signed?: boolean } = {},
): Buffer {
  const block = Buffer.alloc(512)
  for (const [offset, value] of fields) block.set(Buffer.from(value), offset)
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + (options.signed && byte > 127 ? byte - 256 : byte), 0)
  if (options.checksum !== false) block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

export const END = Buffer.alloc(1024)
