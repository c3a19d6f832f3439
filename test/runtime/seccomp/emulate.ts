/** A run of classic BPF over `struct seccomp_data`, as the kernel does it. @see linux/filter.h, linux/seccomp.h */
export interface SystemCall {
  /** AUDIT_ARCH value. */
  readonly arch: number
  readonly nr: number
  readonly args?: readonly bigint[]
}

export function emulate(program: Uint8Array, { arch, nr, args = [] }: SystemCall): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(nr, 0)
  data.writeUInt32LE(arch, 4)
  args.forEach((arg, index) => {
    data.writeBigUInt64LE(arg, 16 + index * 8)
  })
  const code = Buffer.from(program.buffer, program.byteOffset, program.byteLength)
  let accumulator = 0
  for (let at = 0; at * 8 < code.length; at++) {
    const opcode = code.readUInt16LE(at * 8)
    const k = code.readUInt32LE(at * 8 + 4)
    if (opcode === 0x06) return k
    if (opcode === 0x20) accumulator = data.readUInt32LE(k)
    else if (opcode === 0x54) accumulator = (accumulator & k) >>> 0
    else if (opcode === 0x05) at += k
    else at += code.readUInt8(at * 8 + (holds(opcode, accumulator, k) ? 2 : 3))
  }
  throw new Error('the program ran past its end')
}

function holds(opcode: number, accumulator: number, k: number): boolean {
  if (opcode === 0x15) return accumulator === k
  if (opcode === 0x25) return accumulator > k
  if (opcode === 0x35) return accumulator >= k
  throw new Error(`unknown instruction 0x${opcode.toString(16)}`)
}
