import { BryoError } from '../base/errors.ts'
import { isObject, type JsonObject, parseObject } from '../base/json.ts'

/**
 * What the monitor and its clients say to each other over the attach socket: a packet each, its first byte the kind. Both sides are of one
 * user (the socket is 0600 in a directory 0700), and of one version while the container runs.
 */
export const PACKET = {
  /** Client: `{"input":bool,"output":bool}`, once, first. */
  hello: 0x68,
  /** Client: bytes for standard input. */
  input: 0x69,
  /** Client: standard input has ended. */
  inputEnd: 0x65,
  /** Client: let the workload run, which is held; answered by `started`, or by `exit` where it could not. */
  start: 0x73,
  /** Client: two 16-bit numbers, rows and columns. */
  resize: 0x77,
  /** Monitor: the workload runs. */
  started: 0x67,
  /** Monitor: bytes of standard output, or of the terminal. */
  stdout: 0x6f,
  /** Monitor: bytes of standard error. */
  stderr: 0x72,
  /** Monitor: how the container ended, as JSON; last. */
  exit: 0x78,
} as const

/** At most so many bytes of data in one packet. */
export const MAX_PACKET_DATA = 32_768

export interface Hello {
  /** It sends standard input. */
  readonly input: boolean
  /** It wants the output; false for who only waits for the end. */
  readonly output: boolean
}

export interface ExitNotice {
  /** As a shell counts: 128 + n for signal n. */
  readonly exitCode: number
  /** Why the workload could not run. */
  readonly failure?: StartFailure
}

export interface StartFailure {
  readonly message: string
  readonly hint?: string
}

export function packet(kind: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(1 + data.byteLength)
  bytes[0] = kind
  bytes.set(data, 1)
  return bytes
}

export function jsonPacket(kind: number, value: Hello | ExitNotice): Uint8Array {
  return packet(kind, Buffer.from(JSON.stringify(value)))
}

export function parseHello(data: Uint8Array): Hello {
  const value = contentOf(data)
  return { input: value.input === true, output: value.output === true }
}

/** @throws BryoError RUNTIME */
export function parseExit(data: Uint8Array): ExitNotice {
  const { exitCode, failure } = contentOf(data)
  if (typeof exitCode !== 'number') throw new BryoError('RUNTIME', 'received an end without an exit code')
  return { exitCode, ...(isObject(failure) && { failure: parseFailure(failure) }) }
}

function parseFailure({ message, hint }: JsonObject): StartFailure {
  return { message: String(message), ...(typeof hint === 'string' && { hint }) }
}

/** Empty for whatever is no object: a client that speaks nonsense must not end the container. */
function contentOf(data: Uint8Array): JsonObject {
  return parseObject(Buffer.from(data).toString()) ?? {}
}

export function resizePacket(size: { readonly rows: number; readonly columns: number }): Uint8Array {
  const data = Buffer.alloc(4)
  data.writeUInt16LE(size.rows, 0)
  data.writeUInt16LE(size.columns, 2)
  return packet(PACKET.resize, data)
}

/** undefined for a packet that is too short. */
export function parseResize(
  data: Uint8Array,
): { readonly rows: number; readonly columns: number } | undefined {
  if (data.byteLength < 4) return undefined
  const view = Buffer.from(data)
  return { rows: view.readUInt16LE(0), columns: view.readUInt16LE(2) }
}
