import { check } from './error.ts'
import { addressOf, bind } from './native.ts'

const c = {
  seccomp: bind('long syscall(long number, uint32_t operation, uint32_t flags, const void *program)'),
}

const SYS_SECCOMP = process.arch === 'arm64' ? 277 : 317
const SECCOMP_SET_MODE_FILTER = 1
const SIZEOF_INSTRUCTION = 8

/** Flag bits of a filter. @see seccomp(2) */
export const SECCOMP_FILTER_FLAG = { tsync: 1, log: 2, specAllow: 4, waitKillable: 32 } as const

/**
 * Puts a filter on this process for good, on top of those it has. It needs no_new_privs, or CAP_SYS_ADMIN in the
 * process's user namespace.
 * @param program `struct sock_filter`s, 8 bytes each
 * @param flags bits of {@link SECCOMP_FILTER_FLAG}
 * @throws SyscallError EACCES without either of the two; EINVAL for a program or flags that this kernel refuses
 * @see seccomp(2)
 */
export function setSeccompFilter(program: Uint8Array, flags: number): void {
  const sockFprog = Buffer.alloc(16)
  sockFprog.writeUInt16LE(program.byteLength / SIZEOF_INSTRUCTION, 0)
  sockFprog.writeBigUInt64LE(addressOf(program), 8)
  check('seccomp', c.seccomp(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, flags, sockFprog), {
    operation: 'SECCOMP_SET_MODE_FILTER',
  })
}
