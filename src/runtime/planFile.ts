import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { memfdCreate } from '../syscall/fd.ts'
import type { CapabilityPlan } from './capabilities.ts'
import type { LaunchPlan } from './plan.ts'

const HEADER_BYTES = 4

/** A file in memory for the plan: forked children inherit it empty, and find the plan in it later. */
export function createPlanFile(): number {
  return memfdCreate('bryo-plan')
}

/** One document, and behind it the filter's program as it is. */
export function writePlan(fd: number, plan: LaunchPlan): void {
  const document = Buffer.from(JSON.stringify(encode(plan)))
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(document.length)
  const whole = Buffer.concat([header, document, plan.seccomp?.program ?? Buffer.alloc(0)])
  for (let offset = 0; offset < whole.length; ) {
    offset += writeSync(fd, whole, offset, whole.length - offset, offset)
  }
}

/** Both sides are copies of one program: what is read has the form of what was written. */
export function readPlan(fd: number): LaunchPlan {
  const whole = Buffer.alloc(fstatSync(fd).size)
  for (let offset = 0; offset < whole.length; ) {
    offset += readSync(fd, whole, offset, whole.length - offset, offset)
  }
  closeSync(fd)
  const end = HEADER_BYTES + whole.readUInt32LE()
  return decode(JSON.parse(whole.toString('utf8', HEADER_BYTES, end)) as EncodedPlan, whole.subarray(end))
}

/** JSON has no bigint: the few that there are travel as text. */
type Text<T> = { readonly [K in keyof T]: T[K] extends bigint ? string : T[K] }
type EncodedPlan = ReturnType<typeof encode>

function encode(plan: LaunchPlan) {
  const { seccomp, capabilities, spec, ...rest } = plan
  return {
    ...rest,
    seccomp: seccomp && { flags: seccomp.flags },
    capabilities: { root: toText(capabilities.root), other: toText(capabilities.other) },
    spec: { ...spec, process: { ...spec.process, rlimits: spec.process.rlimits.map(toText) } },
  }
}

function decode({ seccomp, capabilities, spec, ...rest }: EncodedPlan, program: Uint8Array): LaunchPlan {
  const { process } = spec
  const limits = process.rlimits.map(({ type, soft, hard }) => ({
    type,
    soft: BigInt(soft),
    hard: BigInt(hard),
  }))
  return {
    ...rest,
    seccomp: seccomp && { ...seccomp, program },
    capabilities: { root: toMasks(capabilities.root), other: toMasks(capabilities.other) },
    spec: { ...spec, process: { ...process, rlimits: limits } },
  }
}

function toText<T extends object>(value: T): Text<T> {
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    typeof item === 'bigint' ? String(item) : item,
  ])
  return Object.fromEntries(entries) as Text<T>
}

function toMasks(plan: Text<CapabilityPlan>): CapabilityPlan {
  const { bounding, effective, permitted, inheritable, ambient } = plan
  return {
    bounding: BigInt(bounding),
    effective: BigInt(effective),
    permitted: BigInt(permitted),
    inheritable: BigInt(inheritable),
    ambient: BigInt(ambient),
  }
}
