import { setSeccompFilter } from '../../syscall/seccomp.ts'
import type { SeccompFilter } from './filter.ts'

/**
 * Puts the filter on this process, after the fork. It holds from here on, over execve and for every child.
 *
 * With no_new_privs on this is the last step before execve. Without, it needs CAP_SYS_ADMIN in the user namespace, so it
 * comes before the capabilities are dropped and the user is changed; bryo's own profile lets those steps through.
 * What runs between here and execve is only what the filter allows: a foreign profile may refuse nearly everything, so
 * nothing is loaded or bound in between that could have been before.
 * @throws SyscallError EACCES with neither of the two; EINVAL for a program that the kernel does not take
 */
export function installSeccompFilter(filter: SeccompFilter): void {
  setSeccompFilter(filter.program, filter.flags)
}
