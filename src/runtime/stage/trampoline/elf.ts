import { constants } from 'node:fs'
import type { SeccompFilter } from '../../seccomp/filter.ts'
import { MACHINE_CODE } from './code.ts'

/** What the trampoline does before it executes the workload. */
export interface TrampolineParameters {
  /** Takes its report where it fails: two 32-bit numbers, a {@link TRAMPOLINE_STEPS} index and errno. Closed by success. */
  readonly reportFd: number
  /** Put on last; undefined where there is none, or it is on already. */
  readonly seccomp: SeccompFilter | undefined
  /** Written to an attribute of the process, for the execve that follows. */
  readonly label: WorkloadLabel | undefined
}

export interface WorkloadLabel {
  /** Of the container's /proc; closed before the workload runs. */
  readonly procFd: number
  /** Below it, e.g. `thread-self/attr/exec`. */
  readonly attribute: string
  readonly text: string
}

/** Name of the program in memory, as /proc/PID/exe shows it. */
export const TRAMPOLINE_NAME = 'bryo-workload'

/** What the first number of a report means. */
export const TRAMPOLINE_STEPS = [
  'close the report on execution',
  'set the label of the workload',
  'filter system calls',
  'execute',
] as const

const BASE = 0x400000n
const HEADERS = 64 + 2 * 56
const PARAMETERS = 72
const SIZEOF_INSTRUCTION = 8

/** `struct open_how`: nothing that is mounted over /proc, and none of its links that lead out of it. @see openat2(2) */
const RESOLVE_NO_XDEV = 0x01n
const RESOLVE_NO_MAGICLINKS = 0x02n
const O_CLOEXEC = 0o2000000

/**
 * A static program of one segment, for the machine that this runs on: ELF header, code, parameters, and what these point to. Pure.
 * @see elf(5), x86_64.S for what it does
 */
export function buildTrampoline(
  parameters: TrampolineParameters,
  architecture: keyof typeof MACHINE_CODE = process.arch === 'arm64' ? 'arm64' : 'x64',
): Buffer {
  const code = Buffer.from(MACHINE_CODE[architecture].join(''), 'hex')
  const at = HEADERS + code.length
  const body = encodeParameters(parameters, BASE + BigInt(at))
  const size = at + body.length
  return Buffer.concat([encodeHeaders(architecture, size), code, body])
}

function encodeParameters({ reportFd, seccomp, label }: TrampolineParameters, address: bigint): Buffer {
  const filter = seccomp?.program ?? Buffer.alloc(0)
  const attribute = Buffer.from(`${label?.attribute ?? ''}\0`)
  const text = Buffer.from(label?.text ?? '')
  const filterAt = address + BigInt(PARAMETERS)
  const attributeAt = filterAt + BigInt(filter.byteLength)
  const fixed = Buffer.alloc(PARAMETERS)
  fixed.writeInt32LE(reportFd, 0)
  fixed.writeInt32LE(label?.procFd ?? -1, 4)
  fixed.writeUInt16LE(filter.byteLength / SIZEOF_INSTRUCTION, 8)
  fixed.writeBigUInt64LE(filterAt, 16)
  fixed.writeUInt32LE(seccomp?.flags ?? 0, 24)
  fixed.writeUInt32LE(text.length, 28)
  fixed.writeBigUInt64LE(attributeAt, 32)
  fixed.writeBigUInt64LE(attributeAt + BigInt(attribute.length), 40)
  fixed.writeBigUInt64LE(BigInt(constants.O_WRONLY | O_CLOEXEC), 48)
  fixed.writeBigUInt64LE(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS, 64)
  return Buffer.concat([fixed, filter, attribute, text])
}

const ET_EXEC = 2
const EM = { x64: 62, arm64: 183 } as const
const PT_LOAD = 1
const PT_GNU_STACK = 0x6474e551
const PF = { x: 1, w: 2, r: 4 } as const
/** The largest pages of the two machines. */
const ALIGNMENT = 0x10000n

function encodeHeaders(architecture: keyof typeof MACHINE_CODE, size: number): Buffer {
  const headers = Buffer.alloc(HEADERS)
  headers.write('7f454c46020101', 'hex')
  headers.writeUInt16LE(ET_EXEC, 16)
  headers.writeUInt16LE(EM[architecture], 18)
  headers.writeUInt32LE(1, 20)
  headers.writeBigUInt64LE(BASE + BigInt(HEADERS), 24)
  headers.writeBigUInt64LE(64n, 32)
  headers.writeUInt16LE(64, 52)
  headers.writeUInt16LE(56, 54)
  headers.writeUInt16LE(2, 56)
  writeSegment(headers.subarray(64), { type: PT_LOAD, flags: PF.r | PF.x, address: BASE, size })
  // Without it the stack may be executable.
  writeSegment(headers.subarray(120), { type: PT_GNU_STACK, flags: PF.r | PF.w, address: 0n, size: 0 })
  return headers
}

interface Segment {
  readonly type: number
  readonly flags: number
  readonly address: bigint
  readonly size: number
}

function writeSegment(header: Buffer, { type, flags, address, size }: Segment): void {
  header.writeUInt32LE(type, 0)
  header.writeUInt32LE(flags, 4)
  header.writeBigUInt64LE(address, 16)
  header.writeBigUInt64LE(address, 24)
  header.writeBigUInt64LE(BigInt(size), 32)
  header.writeBigUInt64LE(BigInt(size), 40)
  header.writeBigUInt64LE(ALIGNMENT, 48)
}
