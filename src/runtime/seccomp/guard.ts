import type { ArgumentComparison, FilterAction } from '../../syscall/libseccomp.ts'
import { type Assembler, createAssembler } from './bpf.ts'

/** Refusals of one call on one architecture, tried in order before the rest of the filter. */
export interface GuardedCall {
  /** The kernel's AUDIT_ARCH value. */
  readonly auditArch: number
  /** The number that the kernel sees. */
  readonly syscall: number
  readonly refusals: readonly Refusal[]
}

export interface Refusal {
  readonly action: FilterAction
  /** All must hold. */
  readonly args: readonly ArgumentComparison[]
}

/**
 * A piece of BPF to put in front of a filter: it answers for the calls that meet a refusal, and lets every other one run on
 * into what follows it.
 */
export function buildGuard(calls: readonly GuardedCall[]): Buffer {
  const assembler = createAssembler()
  const through = assembler.label()
  for (const auditArch of new Set(calls.map((call) => call.auditArch))) {
    const nextArchitecture = assembler.label()
    assembler.loadArchitecture()
    assembler.requireEqual(auditArch, nextArchitecture)
    assembler.loadSyscall()
    for (const call of calls.filter((candidate) => candidate.auditArch === auditArch)) {
      const nextCall = assembler.label()
      assembler.requireEqual(call.syscall, nextCall)
      for (const refusal of call.refusals) addRefusal(assembler, refusal)
      assembler.jump(through)
      assembler.place(nextCall)
    }
    assembler.jump(through)
    assembler.place(nextArchitecture)
  }
  assembler.place(through)
  return assembler.finish()
}

function addRefusal(assembler: Assembler, { action, args }: Refusal): void {
  const notMet = assembler.label()
  for (const comparison of args) assembler.requireArgument(comparison, notMet)
  assembler.answer(action)
  assembler.place(notMet)
}
