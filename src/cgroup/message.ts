/** What a method is called with: a D-Bus type and a value of it. @see https://dbus.freedesktop.org/doc/dbus-specification.html */
export type DbusValue =
  | { readonly type: 's'; readonly value: string }
  | { readonly type: 'b'; readonly value: boolean }
  | { readonly type: 'u'; readonly value: number }
  | { readonly type: 'i'; readonly value: number }
  | { readonly type: 't'; readonly value: bigint }
  | { readonly type: 'au'; readonly value: readonly number[] }
  /** `a(sv)` */
  | { readonly type: 'properties'; readonly value: readonly (readonly [string, DbusValue])[] }
  /** `a(sa(sv))`, which systemd takes for further units: always none. */
  | { readonly type: 'no-units' }

const SIGNATURES = {
  s: 's',
  b: 'b',
  u: 'u',
  i: 'i',
  t: 't',
  au: 'au',
  properties: 'a(sv)',
  'no-units': 'a(sa(sv))',
} as const

export interface DbusCall {
  readonly serial: number
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly args: readonly DbusValue[]
}

const METHOD_CALL = 1
const FIELD = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
} as const

/** Little-endian, each value at a multiple of its size. */
class Writer {
  private readonly bytes: number[] = []

  align(to: number): void {
    while (this.bytes.length % to !== 0) this.bytes.push(0)
  }

  byte(value: number): void {
    this.bytes.push(value & 0xff)
  }

  u32(value: number): void {
    this.align(4)
    this.bytes.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff)
  }

  u64(value: bigint): void {
    this.align(8)
    this.u32(Number(value & 0xffff_ffffn))
    this.u32(Number(value >> 32n))
  }

  text(value: string): void {
    const encoded = Buffer.from(value)
    this.u32(encoded.length)
    this.bytes.push(...encoded, 0)
  }

  signature(value: string): void {
    this.bytes.push(value.length, ...Buffer.from(value), 0)
  }

  /** An array whose items are aligned to `alignment`. */
  array(alignment: number, write: () => void): void {
    this.u32(0)
    const at = this.bytes.length - 4
    this.align(alignment)
    const start = this.bytes.length
    write()
    const length = this.bytes.length - start
    for (let index = 0; index < 4; index++) this.bytes[at + index] = (length >>> (8 * index)) & 0xff
  }

  value(item: DbusValue): void {
    if (item.type === 's') this.text(item.value)
    else if (item.type === 'b') this.u32(item.value ? 1 : 0)
    else if (item.type === 'u' || item.type === 'i') this.u32(item.value)
    else if (item.type === 't') this.u64(item.value)
    else if (item.type === 'au') {
      this.array(4, () => {
        for (const number of item.value) this.u32(number)
      })
    } else this.array(8, () => item.type === 'properties' && this.properties(item.value))
  }

  private properties(items: readonly (readonly [string, DbusValue])[]): void {
    for (const [name, property] of items) {
      this.align(8)
      this.text(name)
      this.signature(SIGNATURES[property.type])
      this.value(property)
    }
  }

  finish(): Buffer {
    return Buffer.from(this.bytes)
  }
}

/** A method call as it goes over the wire. */
export function encodeCall(call: DbusCall): Buffer {
  const body = new Writer()
  for (const value of call.args) body.value(value)
  const payload = body.finish()
  const head = new Writer()
  head.byte('l'.charCodeAt(0))
  head.byte(METHOD_CALL)
  head.byte(0)
  head.byte(1)
  head.u32(payload.length)
  head.u32(call.serial)
  head.array(8, () => {
    const field = (code: number, type: 's' | 'o', value: string) => {
      head.align(8)
      head.byte(code)
      head.signature(type)
      head.text(value)
    }
    field(FIELD.path, 'o', call.path)
    field(FIELD.destination, 's', call.destination)
    field(FIELD.interface, 's', call.interface)
    field(FIELD.member, 's', call.member)
    if (call.args.length === 0) return
    head.align(8)
    head.byte(FIELD.signature)
    head.signature('g')
    head.signature(call.args.map(({ type }) => SIGNATURES[type]).join(''))
  })
  head.align(8)
  return Buffer.concat([head.finish(), payload])
}

/** What comes back, as far as it matters. */
export interface DbusMessage {
  readonly kind: 'return' | 'error' | 'other'
  readonly replySerial: number | undefined
  /** `org.freedesktop.DBus.Error.AccessDenied` */
  readonly errorName: string | undefined
  /** The first text of the body, where it begins with one. */
  readonly text: string | undefined
  /** Bytes of the whole message. */
  readonly length: number
}

const FIXED_HEADER = 16

/** The first message in `buffer`; undefined where it is not complete. @throws Error for one that is not little-endian */
export function decodeMessage(buffer: Buffer): DbusMessage | undefined {
  if (buffer.length < FIXED_HEADER) return undefined
  if (buffer[0] !== 'l'.charCodeAt(0)) throw new Error('a D-Bus message is not little-endian')
  const fieldsEnd = FIXED_HEADER + buffer.readUInt32LE(12)
  const bodyStart = Math.ceil(fieldsEnd / 8) * 8
  const length = bodyStart + buffer.readUInt32LE(4)
  if (buffer.length < length) return undefined
  const fields = decodeFields(buffer, fieldsEnd)
  const type = buffer[1]
  return {
    kind: type === 2 ? 'return' : type === 3 ? 'error' : 'other',
    replySerial: fields.replySerial,
    errorName: fields.errorName,
    text: /^[so]/.test(fields.signature) ? readText(buffer, bodyStart) : undefined,
    length,
  }
}

function readText(buffer: Buffer, at: number): string {
  return buffer.toString('utf8', at + 4, at + 4 + buffer.readUInt32LE(at))
}

function decodeFields(buffer: Buffer, end: number) {
  let [replySerial, errorName, signature]: [number | undefined, string | undefined, string] = [
    undefined,
    undefined,
    '',
  ]
  let at = FIXED_HEADER
  while (at < end) {
    at = Math.ceil(at / 8) * 8
    const code = buffer.readUInt8(at)
    const type = String.fromCharCode(buffer.readUInt8(at + 2))
    at += 4
    if (type === 'g') {
      const size = buffer.readUInt8(at)
      if (code === FIELD.signature) signature = buffer.toString('latin1', at + 1, at + 1 + size)
      at += size + 2
      continue
    }
    at = Math.ceil(at / 4) * 4
    const number = buffer.readUInt32LE(at)
    if (type === 'u') {
      if (code === FIELD.replySerial) replySerial = number
      at += 4
      continue
    }
    if (code === FIELD.errorName) errorName = readText(buffer, at)
    at += 4 + number + 1
  }
  return { replySerial, errorName, signature }
}
