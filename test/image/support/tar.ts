import type { TarEntryType } from '../../../src/base/tarEntry.ts'
import { createTarWriter } from '../../../src/image/tar/write.ts'

export interface TestEntry {
  readonly name: string
  readonly type?: TarEntryType
  readonly content?: string | Uint8Array
  readonly link?: string
  readonly mode?: number
}

/** A tar archive of these entries, owned by root. */
export function tarOf(entries: readonly TestEntry[]): Buffer {
  const parts: Buffer[] = []
  const writer = createTarWriter((data) => parts.push(Buffer.from(data)))
  for (const { name, type = 'file', content = '', link = '', mode = 0o644 } of entries) {
    const data = Buffer.from(content)
    writer.add({
      name: Buffer.from(name),
      type,
      mode,
      uid: 0,
      gid: 0,
      size: type === 'file' ? data.byteLength : 0,
      mtime: { seconds: 0n, nanoseconds: 0n },
      linkName: Buffer.from(link),
      devMajor: 0,
      devMinor: 0,
      xattrs: new Map(),
    })
    if (type === 'file' && data.byteLength > 0) writer.content(data)
  }
  writer.finish()
  return Buffer.concat(parts)
}
