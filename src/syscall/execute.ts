import { constants } from 'node:os'
import { check, SyscallError } from './error.ts'
import { writeFd } from './fd.ts'
import { bind, lastErrno } from './native.ts'

const c = {
  memfdCreate: bind('int memfd_create(const char *name, uint32_t flags)'),
  fcntl: bind('int fcntl(int fd, int command, int argument)'),
  execveat: bind(
    'long syscall(long number, int dirfd, const char *path, const char **argv, const char **envp, int flags)',
  ),
}

const MFD = { cloexec: 0x01, allowSealing: 0x02, exec: 0x10 } as const
const F_ADD_SEALS = 1033
/** Seals: no more seals, no change of the size, no writing. */
const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8

/**
 * An executable file in memory that nobody can change any more; close-on-exec.
 * @throws SyscallError EACCES where vm.memfd_noexec forbids it
 * @see memfd_create(2), fcntl(2) File Sealing
 */
export function createSealedProgram(name: string, content: Uint8Array): number {
  const fd = createExecutableMemfd(name)
  writeFd(fd, content)
  check('fcntl', c.fcntl(fd, F_ADD_SEALS, ALL_SEALS), { fd })
  return fd
}

/** MFD_EXEC came with Linux 6.3; older kernels know no other way. */
function createExecutableMemfd(name: string): number {
  const flags = MFD.cloexec | MFD.allowSealing
  const fd = Number(c.memfdCreate(name, flags | MFD.exec))
  if (fd >= 0) return fd
  const errno = lastErrno()
  if (errno !== constants.errno.EINVAL) throw new SyscallError('memfd_create', errno, { name })
  return check('memfd_create', c.memfdCreate(name, flags), { name })
}

const SYS_EXECVEAT = process.arch === 'arm64' ? 281 : 322
const AT_EMPTY_PATH = 0x1000

/** As execve(2), of the file behind an fd; returns only by throwing. @see execveat(2) */
export function executeFd(fd: number, argv: readonly string[], env: readonly string[]): never {
  c.execveat(SYS_EXECVEAT, fd, '', [...argv, null], [...env, null], AT_EMPTY_PATH)
  throw new SyscallError('execveat', lastErrno(), { fd })
}
