import { BryoError } from '../base/errors.ts'
import { errnoName } from '../syscall/error.ts'
import { appArmorFix } from './apparmor.ts'
import { type Restrictions, readRestrictions } from './restrictions.ts'

/**
 * Why a user namespace could not be created, and what to do about it.
 * @param errno of unshare(2) or clone(2)
 */
export function diagnoseUnshareFailure(
  errno: number,
  restrictions: Restrictions = readRestrictions(),
  program: string = process.execPath,
): BryoError {
  const name = errnoName(errno)
  const { cause, hint } = explain(name, restrictions, program)
  const found = cause === undefined ? name : `${name}, ${cause}`
  return new BryoError('USERNS_DENIED', `cannot create a user namespace: ${found}`, { hint })
}

interface Explanation {
  readonly cause?: string
  readonly hint: string
}

function explain(name: string, restrictions: Restrictions, program: string): Explanation {
  if (!restrictions.supported) {
    return { cause: 'this kernel has none', hint: 'boot a kernel with CONFIG_USER_NS=y' }
  }
  switch (name) {
    case 'ENOSPC':
      return explainLimit(restrictions)
    case 'EUSERS':
      return { cause: 'namespaces are nested too deep', hint: 'start bryo outside of that many containers' }
    case 'EPERM':
    case 'EACCES':
      return explainDenial(restrictions, program)
    case 'EINVAL':
      return {
        cause: 'the process has threads or shares its filesystem state',
        hint: 'start bryo by its own launcher, which sets up the runtime for forking',
      }
    default:
      return { hint: 'run: bryo doctor' }
  }
}

function explainLimit({ maxUserNamespaces }: Restrictions): Explanation {
  if (maxUserNamespaces === 0) {
    return {
      cause: 'user.max_user_namespaces is 0',
      hint: 'as root: echo user.max_user_namespaces=15000 > /etc/sysctl.d/90-bryo.conf; sysctl --system (inside of a container, its limits count)',
    }
  }
  const limit = maxUserNamespaces === undefined ? '' : ` (${maxUserNamespaces})`
  return {
    cause: `the limit of namespaces is reached${limit}`,
    hint: 'stop containers, or raise the user.max_*_namespaces sysctls as root; see: sysctl user',
  }
}

function explainDenial(restrictions: Restrictions, program: string): Explanation {
  if (restrictions.unprivilegedClone === 0) {
    return {
      cause: 'kernel.unprivileged_userns_clone is 0',
      hint: 'as root: echo kernel.unprivileged_userns_clone=1 > /etc/sysctl.d/90-bryo.conf; sysctl --system',
    }
  }
  if (restrictions.apparmorRestrict === 1) {
    return { cause: 'AppArmor restricts them', hint: appArmorFix(program) }
  }
  if (restrictions.chrooted) {
    return {
      cause: 'this process is in a chroot',
      hint: 'start bryo outside of the chroot; the kernel allows none inside',
    }
  }
  if (restrictions.seccompFilter) {
    return {
      cause: 'a seccomp filter is on this process',
      hint: 'an outer container or sandbox forbids them: start it with --security-opt nested-userns (bryo) or --security-opt seccomp=unconfined (others)',
    }
  }
  return {
    hint: 'a chroot around this process or a security module of the host forbids them; run: bryo doctor',
  }
}
