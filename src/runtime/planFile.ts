import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { memfdCreate } from '../syscall/fd.ts'
import type { LaunchPlan } from './plan.ts'

const HEADER_BYTES = 4

/** A file in memory for the plan: forked children inherit it empty, and find the plan in it later. */
export function createPlanFile(): number {
  return memfdCreate('bryo-plan')
}

/** One document, and behind it the filter's program as it is. */
export function writePlan(fd: number, plan: LaunchPlan): void {
  const { seccomp, ...rest } = plan
  const document = Buffer.from(
    JSON.stringify({ ...rest, seccomp: seccomp && { flags: seccomp.flags } }, encodeBigint),
  )
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(document.length)
  const whole = Buffer.concat([header, document, seccomp?.program ?? Buffer.alloc(0)])
  for (let offset = 0; offset < whole.length; )
    offset += writeSync(fd, whole, offset, whole.length - offset, offset)
}

/** Both sides are copies of one program: what is read has the form of what was written. */
export function readPlan(fd: number): LaunchPlan {
  const whole = Buffer.alloc(fstatSync(fd).size)
  for (let offset = 0; offset < whole.length; )
    offset += readSync(fd, whole, offset, whole.length - offset, offset)
  closeSync(fd)
  const end = HEADER_BYTES + whole.readUInt32LE()
  const plan = JSON.parse(whole.toString('utf8', HEADER_BYTES, end), decodeBigint) as LaunchPlan
  return plan.seccomp ? { ...plan, seccomp: { ...plan.seccomp, program: whole.subarray(end) } } : plan
}

interface EncodedBigint {
  readonly '#bigint': string
}

function encodeBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { '#bigint': value.toString() } : value
}

function decodeBigint(_key: string, value: unknown): unknown {
  return isEncodedBigint(value) ? BigInt(value['#bigint']) : value
}

function isEncodedBigint(value: unknown): value is EncodedBigint {
  return (
    typeof value === 'object' && value !== null && '#bigint' in value && typeof value['#bigint'] === 'string'
  )
}
