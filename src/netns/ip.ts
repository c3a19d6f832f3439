const DECIMAL = /^(0|[1-9][0-9]{0,2})$/

/** The bytes of a dotted IPv4 address; undefined for anything else, leading zeros included. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = parts.map((part) => (DECIMAL.test(part) ? Number(part) : 256))
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined
}

/** The bytes of an IPv6 address without a zone. @see RFC 4291 section 2.2 */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupBytes(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? groupBytes(halves[1] ?? '', true) : []
  if (!head || !tail) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail])
}

/** Bytes of colon-separated groups; the last one may be a dotted IPv4 address where `last` says that nothing follows. */
function groupBytes(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [index, group] of groups.entries()) {
    if (group.includes('.')) {
      const v4 = last && index === groups.length - 1 ? parseIpv4(group) : undefined
      if (!v4) return undefined
      bytes.push(...v4)
    } else {
      if (!/^[0-9A-Fa-f]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes
}

/** 4 or 16 bytes; undefined where the text is no address. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** The text of 4 or 16 bytes, IPv6 in its canonical form. @see RFC 5952 */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0))
  const zeros = longestZeros(groups)
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (zeros.length < 2) return hex(groups)
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return bytes[0] === 127
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))
}

/** 0.0.0.0 and ::. */
export function isWildcard(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

export interface Ipv4Network {
  readonly address: Uint8Array
  readonly prefixLength: number
}

/** `10.0.2.0/24`; host bits are cleared. */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const [addressText = '', prefixText = '', ...rest] = text.split('/')
  const bytes = parseIpv4(addressText)
  if (!bytes || rest.length > 0 || !/^(0|[1-9][0-9]?)$/.test(prefixText) || Number(prefixText) > 32) {
    return undefined
  }
  const prefixLength = Number(prefixText)
  const mask = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0
  const value = Buffer.from(bytes).readUInt32BE() & mask
  return { address: numberBytes(value >>> 0), prefixLength }
}

/** The address at `offset` from the start of the network. */
export function addressInNetwork(network: Ipv4Network, offset: number): Uint8Array {
  return numberBytes(Buffer.from(network.address).readUInt32BE() + offset)
}

function numberBytes(value: number): Uint8Array {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value >>> 0)
  return Uint8Array.from(buffer)
}
