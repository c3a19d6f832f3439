import { type ArgumentComparison, SCMP_CMP } from '../../syscall/libseccomp.ts'

/** Classic BPF opcodes as seccomp allows them. @see linux/filter.h */
const LOAD_WORD = 0x20
const JUMP = 0x05
const JUMP_EQ = 0x15
const JUMP_GT = 0x25
const JUMP_GE = 0x35
const AND = 0x54
const RETURN = 0x06

/** Offsets in `struct seccomp_data`. @see linux/seccomp.h */
const OFFSET_SYSCALL = 0
const OFFSET_ARCHITECTURE = 4
const OFFSET_ARGUMENTS = 16

const SIZEOF_INSTRUCTION = 8
const MAX_CONDITIONAL_JUMP = 255

/** A place in a program that is not written yet. */
interface Label {
  position: number | undefined
}

interface Instruction {
  readonly code: number
  readonly k: number
  /** Undefined: the next instruction. */
  readonly whenTrue?: Label | undefined
  readonly whenFalse?: Label | undefined
}

/** Writes classic BPF with labels for its forward jumps. */
export interface Assembler {
  label(): Label
  /** The label stands for the instruction that follows. */
  place(label: Label): void
  loadSyscall(): void
  loadArchitecture(): void
  /** Goes on where the loaded word is `value`, else to `otherwise`, at any distance. */
  requireEqual(value: number, otherwise: Label): void
  /** Goes on where the argument meets the comparison, as unsigned 64 bits, else to `otherwise`. */
  requireArgument(comparison: ArgumentComparison, otherwise: Label): void
  jump(target: Label): void
  answer(action: number): void
  /** The program; labels placed at its end mean what is appended to it. */
  finish(): Buffer
}

export function createAssembler(): Assembler {
  const code: Instruction[] = []
  const label = (): Label => ({ position: undefined })
  const place = (target: Label) => {
    target.position = code.length
  }
  const jump = (target: Label) => code.push({ code: JUMP, k: 0, whenTrue: target })
  const load = (offset: number) => code.push({ code: LOAD_WORD, k: offset })
  return {
    label,
    place,
    jump,
    loadSyscall: () => load(OFFSET_SYSCALL),
    loadArchitecture: () => load(OFFSET_ARCHITECTURE),
    requireEqual(value, otherwise) {
      const matched = label()
      code.push({ code: JUMP_EQ, k: value, whenTrue: matched })
      jump(otherwise)
      place(matched)
    },
    requireArgument(comparison, otherwise) {
      const met = label()
      code.push(...compare(comparison, met, otherwise))
      place(met)
    },
    answer: (action) => code.push({ code: RETURN, k: action }),
    finish: () => encode(code),
  }
}

function compare(
  { index, op, datumA, datumB }: ArgumentComparison,
  met: Label,
  failed: Label,
): Instruction[] {
  const low = OFFSET_ARGUMENTS + index * 8
  const high = low + 4
  const [wantedHigh, wantedLow] = halves(datumA)
  const test = (code: number, k: number, whenTrue?: Label, whenFalse?: Label): Instruction => ({
    code,
    k,
    whenTrue,
    whenFalse,
  })
  const load = (offset: number): Instruction => ({ code: LOAD_WORD, k: offset })
  /** The high words decide, unless they are equal. */
  const ordered = (code: number, holds: Label, fails: Label) => [
    load(high),
    test(JUMP_GT, wantedHigh, holds),
    test(JUMP_EQ, wantedHigh, undefined, fails),
    load(low),
    test(code, wantedLow, holds, fails),
  ]
  switch (op) {
    case SCMP_CMP.eq:
      return [
        load(high),
        test(JUMP_EQ, wantedHigh, undefined, failed),
        load(low),
        test(JUMP_EQ, wantedLow, met, failed),
      ]
    case SCMP_CMP.ne:
      return [
        load(high),
        test(JUMP_EQ, wantedHigh, undefined, met),
        load(low),
        test(JUMP_EQ, wantedLow, failed, met),
      ]
    case SCMP_CMP.gt:
      return ordered(JUMP_GT, met, failed)
    case SCMP_CMP.ge:
      return ordered(JUMP_GE, met, failed)
    case SCMP_CMP.lt:
      return ordered(JUMP_GE, failed, met)
    case SCMP_CMP.le:
      return ordered(JUMP_GT, failed, met)
    case SCMP_CMP.maskedEq: {
      const [valueHigh, valueLow] = halves(datumA & datumB)
      const masked = (offset: number, mask: number, value: number, whenTrue?: Label) =>
        mask === 0 ? [] : [load(offset), { code: AND, k: mask }, test(JUMP_EQ, value, whenTrue, failed)]
      return [...masked(high, wantedHigh, valueHigh), ...masked(low, wantedLow, valueLow, met)]
    }
    default:
      throw new RangeError(`unknown comparison ${op}`)
  }
}

function halves(value: bigint): readonly [number, number] {
  return [Number(value >> 32n), Number(value & 0xffffffffn)]
}

function encode(code: readonly Instruction[]): Buffer {
  const program = Buffer.alloc(code.length * SIZEOF_INSTRUCTION)
  code.forEach((instruction, index) => {
    const offset = index * SIZEOF_INSTRUCTION
    program.writeUInt16LE(instruction.code, offset)
    if (instruction.code === JUMP) {
      program.writeUInt32LE(distance(instruction.whenTrue, index), offset + 4)
      return
    }
    program.writeUInt8(near(distance(instruction.whenTrue, index)), offset + 2)
    program.writeUInt8(near(distance(instruction.whenFalse, index)), offset + 3)
    program.writeUInt32LE(instruction.k, offset + 4)
  })
  return program
}

function distance(target: Label | undefined, from: number): number {
  if (!target) return 0
  if (target.position === undefined || target.position <= from)
    throw new RangeError('jump to an unplaced label')
  return target.position - from - 1
}

function near(instructions: number): number {
  if (instructions > MAX_CONDITIONAL_JUMP) throw new RangeError(`jump over ${instructions} instructions`)
  return instructions
}
