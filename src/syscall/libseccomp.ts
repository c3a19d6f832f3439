import { closeSync, fstatSync, readFileSync, readSync } from 'node:fs'
import { check, SyscallError } from './error.ts'
import { memfdCreate } from './fd.ts'
import { loadLibrary } from './native.ts'

/** Comparison operators in libseccomp's own numbering. @see seccomp_rule_add(3) */
export const SCMP_CMP = { ne: 1, lt: 2, le: 3, eq: 4, ge: 5, gt: 6, maskedEq: 7 } as const

/** Architecture tokens: the kernel's AUDIT_ARCH values, and one of libseccomp's own for x32. */
export const SCMP_ARCH = {
  x86: 0x40000003,
  x86_64: 0xc000003e,
  x32: 0x4000003e,
  arm: 0x40000028,
  aarch64: 0xc00000b7,
} as const

/** What a filter answers, as `SECCOMP_RET_*` with its data in the low 16 bits. */
export type FilterAction = number

/** One comparison of an argument of a system call; `mask` belongs to `maskedEq` only. */
export interface ArgumentComparison {
  /** 0 to 5. */
  readonly index: number
  /** A number of {@link SCMP_CMP}. */
  readonly op: number
  /** For `maskedEq` the mask, else the value. */
  readonly datumA: bigint
  /** For `maskedEq` the value. */
  readonly datumB: bigint
}

export interface FilterRule {
  readonly action: FilterAction
  /** A number that {@link Libseccomp.resolve} gave: it stands for the call on every architecture of the filter. */
  readonly syscall: number
  /** All must hold. */
  readonly args: readonly ArgumentComparison[]
}

export interface FilterProgram {
  readonly defaultAction: FilterAction
  /** Tokens of {@link SCMP_ARCH} beside the host's own. */
  readonly architectures: readonly number[]
  readonly rules: readonly FilterRule[]
}

export interface Libseccomp {
  /** Path of the library as it is mapped; the empty string where /proc does not tell. */
  readonly path: string
  /** The number of a call; undefined where this libseccomp does not know the name. Negative for one that the host's own architecture lacks. */
  resolve(name: string): number | undefined
  /** The kernel's number on one architecture; undefined where it does not exist there. */
  resolveOn(architecture: number, name: string): number | undefined
  /** Compiles to `struct sock_filter`s. @throws SyscallError */
  compile(program: FilterProgram): Buffer
}

const SONAME = 'libseccomp.so.2'
const NR_SCMP_ERROR = -1
const EEXIST = 17
const EINVAL = 22
const CTL_OPTIMIZE = 8
const OPTIMIZE_BINARY_TREE = 2

/** Opens the host's libseccomp. @throws Error where there is none */
export function loadLibseccomp(): Libseccomp {
  const functions = bindFunctions()
  return {
    path: mappedPath(),
    resolve(name) {
      const number = Number(functions.resolveName(name))
      return number === NR_SCMP_ERROR ? undefined : number
    },
    resolveOn(architecture, name) {
      const number = Number(functions.resolveNameArch(architecture, name))
      return number < 0 ? undefined : number
    },
    compile: (program) => compile(functions, program),
  }
}

type Functions = ReturnType<typeof bindFunctions>

function bindFunctions() {
  const library = loadLibrary(SONAME)
  return {
    init: library.func('void *seccomp_init(uint32_t action)'),
    release: library.func('void seccomp_release(void *filter)'),
    addArch: library.func('int seccomp_arch_add(void *filter, uint32_t token)'),
    addRule: library.func(
      'int seccomp_rule_add_array(void *filter, uint32_t action, int syscall, uint32_t count, const void *args)',
    ),
    setAttribute: library.func('int seccomp_attr_set(void *filter, int attribute, uint32_t value)'),
    resolveName: library.func('int seccomp_syscall_resolve_name(const char *name)'),
    resolveNameArch: library.func('int seccomp_syscall_resolve_name_arch(uint32_t token, const char *name)'),
    exportBpf: library.func('int seccomp_export_bpf(void *filter, int fd)'),
  }
}

function compile(functions: Functions, program: FilterProgram): Buffer {
  const filter = functions.init(program.defaultAction)
  if (filter === null) throw new SyscallError('seccomp_init', EINVAL)
  try {
    for (const token of program.architectures) {
      accept('seccomp_arch_add', functions.addArch(filter, token), EEXIST)
    }
    // Version 2.4 knows no optimisation: the filter is then the same, a little slower.
    accept('seccomp_attr_set', functions.setAttribute(filter, CTL_OPTIMIZE, OPTIMIZE_BINARY_TREE), EINVAL)
    for (const { action, syscall, args } of program.rules) {
      const array = args.length === 0 ? null : encodeComparisons(args)
      accept('seccomp_rule_add', functions.addRule(filter, action, syscall, args.length, array), EEXIST)
    }
    return exportBpf(functions, filter)
  } finally {
    functions.release(filter)
  }
}

/** libseccomp returns the negated errno instead of setting it. */
function accept(name: string, result: unknown, harmless: number): void {
  const errno = -Number(result)
  if (errno > 0 && errno !== harmless) throw new SyscallError(name, errno)
}

const SIZEOF_SCMP_ARG_CMP = 24

function encodeComparisons(args: readonly ArgumentComparison[]): Buffer {
  const array = Buffer.alloc(args.length * SIZEOF_SCMP_ARG_CMP)
  args.forEach(({ index, op, datumA, datumB }, position) => {
    const offset = position * SIZEOF_SCMP_ARG_CMP
    array.writeUInt32LE(index, offset)
    array.writeUInt32LE(op, offset + 4)
    array.writeBigUInt64LE(datumA, offset + 8)
    array.writeBigUInt64LE(datumB, offset + 16)
  })
  return array
}

function exportBpf(functions: Functions, filter: unknown): Buffer {
  const fd = memfdCreate('seccomp')
  try {
    const result = Number(functions.exportBpf(filter, fd))
    if (result < 0) throw new SyscallError('seccomp_export_bpf', -result)
    const program = Buffer.alloc(fstatSync(fd).size)
    check('read', readSync(fd, program, 0, program.length, 0))
    return program
  } finally {
    closeSync(fd)
  }
}

function mappedPath(): string {
  const line = readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .find((text) => text.includes('/libseccomp.so.'))
  return line?.slice(line.indexOf('/')) ?? ''
}
