import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildGuard, type Refusal } from '../../../src/runtime/seccomp/guard.ts'
import { type ArgumentComparison, SCMP_CMP } from '../../../src/syscall/libseccomp.ts'
import { emulate } from './emulate.ts'

const THROUGH = 0x7fff0000
const RETURN_THROUGH = Buffer.of(0x06, 0, 0, 0, 0x00, 0x00, 0xff, 0x7f)
const X86_64 = 0xc000003e
const X86 = 0x40000003

const behind = (guard: Buffer) => Buffer.concat([guard, RETURN_THROUGH])

function holds({ index, op, datumA, datumB }: ArgumentComparison, args: readonly bigint[]): boolean {
  const value = args[index] ?? 0n
  switch (op) {
    case SCMP_CMP.ne:
      return value !== datumA
    case SCMP_CMP.lt:
      return value < datumA
    case SCMP_CMP.le:
      return value <= datumA
    case SCMP_CMP.eq:
      return value === datumA
    case SCMP_CMP.ge:
      return value >= datumA
    case SCMP_CMP.gt:
      return value > datumA
    default:
      return (value & datumA) === (datumB & datumA)
  }
}

/** Numbers that are near each other in their low and their high halves, so that comparisons meet their borders. */
const half = fc.constantFrom(0n, 1n, 2n, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn)
const word = fc.tuple(half, half).map(([high, low]) => (high << 32n) | low)
const comparison: fc.Arbitrary<ArgumentComparison> = fc.record({
  index: fc.nat({ max: 5 }),
  op: fc.integer({ min: 1, max: 7 }),
  datumA: word,
  datumB: word,
})
const refusal: fc.Arbitrary<Refusal> = fc.record({
  action: fc.integer({ min: 0x50001, max: 0x50fff }),
  args: fc.array(comparison, { maxLength: 6 }),
})

describe('buildGuard()', () => {
  it('is empty where nothing is guarded', () => {
    expect(buildGuard([])).toHaveLength(0)
  })

  it('answers with the first refusal whose comparisons all hold, else lets the call through', () => {
    fc.assert(
      fc.property(
        fc.array(refusal, { maxLength: 8 }),
        fc.array(word, { minLength: 6, maxLength: 6 }),
        (refusals, args) => {
          const program = behind(buildGuard([{ auditArch: X86_64, syscall: 16, refusals }]))
          const expected =
            refusals.find((candidate) => candidate.args.every((arg) => holds(arg, args)))?.action ?? THROUGH
          expect(emulate(program, { arch: X86_64, nr: 16, args })).toBe(expected)
          expect(emulate(program, { arch: X86_64, nr: 17, args })).toBe(THROUGH)
          expect(emulate(program, { arch: X86, nr: 16, args })).toBe(THROUGH)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps the architectures apart', () => {
    const guard = (auditArch: number, syscall: number, action: number) => ({
      auditArch,
      syscall,
      refusals: [{ action, args: [] }],
    })
    const program = behind(
      buildGuard([guard(X86_64, 41, 0x50001), guard(X86, 359, 0x50002), guard(X86_64, 16, 0x50003)]),
    )
    expect(emulate(program, { arch: X86_64, nr: 41 })).toBe(0x50001)
    expect(emulate(program, { arch: X86_64, nr: 16 })).toBe(0x50003)
    expect(emulate(program, { arch: X86_64, nr: 359 })).toBe(THROUGH)
    expect(emulate(program, { arch: X86, nr: 359 })).toBe(0x50002)
    expect(emulate(program, { arch: X86, nr: 41 })).toBe(THROUGH)
  })
})
