/** One entry of an archive that no honest program writes. */
export interface HostileEntry {
  readonly name: string
  /** A regular file by default. */
  readonly type?: 'file' | 'link' | 'symlink' | 'character' | 'directory' | 'fifo'
  readonly target?: string
  readonly data?: string | Uint8Array
  /** Octal. */
  readonly mode?: number
}

const TYPES = { file: '0', link: '1', symlink: '2', character: '3', directory: '5', fifo: '6' } as const
const BLOCK = 512

/** A tar archive with exactly these names and links, of at most 100 bytes each. @see tar(5) */
export function makeTar(entries: readonly HostileEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(encode), Buffer.alloc(2 * BLOCK)])
}

function encode({ name, type = 'file', target = '', data = '', mode }: HostileEntry): readonly Buffer[] {
  const content = Buffer.from(data)
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0, 100)
  writeOctal(header, mode ?? (type === 'directory' ? 0o755 : 0o644), { at: 100, length: 8 })
  for (const at of [108, 116]) writeOctal(header, 0, { at, length: 8 })
  writeOctal(header, content.length, { at: 124, length: 12 })
  writeOctal(header, 0, { at: 136, length: 12 })
  header.write(TYPES[type], 156)
  header.write(target, 157, 100)
  header.write('ustar\x0000', 257)
  // Numbers of a device: of /dev/mem.
  for (const at of [329, 337]) writeOctal(header, type === 'character' ? 1 : 0, { at, length: 8 })
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]
}

function writeOctal(header: Buffer, value: number, { at, length }: { at: number; length: number }): void {
  header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
}
