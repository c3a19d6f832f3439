import { release } from 'node:os'
import { BryoError } from '../../base/errors.ts'
import { errnoName, SyscallError } from '../../syscall/error.ts'
import { mount } from '../../syscall/mount.ts'
import { unshare } from '../../syscall/namespace.ts'
import { exitCodeOfStatus, forkChild, waitForExit } from '../../syscall/process.ts'
import { appArmorFix } from '../../userns/apparmor.ts'
import { runInUserNamespace } from '../../userns/enter.ts'
import type { Identity } from '../../userns/identity.ts'
import type { IdMapPlan } from '../../userns/plan.ts'
import { type Restrictions, readRestrictions } from '../../userns/restrictions.ts'
import { diagnoseUnshareFailure } from '../../userns/unshare-failure.ts'
import { type DoctorFacts, type Finding, finding } from './finding.ts'

const KERNEL = { id: 'kernel', title: 'Linux version' }
const NAMESPACES = { id: 'user-namespaces', title: 'user namespaces' }
const SYSCTLS = { id: 'userns-sysctls', title: 'sysctls for user namespaces' }
const APPARMOR = { id: 'apparmor', title: 'AppArmor restriction of user namespaces' }
const ID_MAP = { id: 'id-map', title: 'mapping ids and mounting in a user namespace' }

export function checkKernel({ program }: DoctorFacts): readonly Finding[] {
  const restrictions = readRestrictions()
  return [
    judgeKernel(release()),
    judgeNamespaces(probeUserNamespace(), restrictions, program),
    judgeSysctls(restrictions),
    judgeAppArmor(restrictions, program),
  ]
}

const OLDEST = [5, 12] as const

/** mount_setattr(2) came with 5.12, overlay in user namespaces with 5.11. */
export function judgeKernel(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat)
  const tooOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
  return tooOld
    ? finding(KERNEL, 'error', `${version}, expected at least ${OLDEST.join('.')}`, 'boot a newer kernel')
    : finding(KERNEL, 'ok', version)
}

/** The errno of creating a user namespace in a forked child; 0 where it works. */
function probeUserNamespace(): number {
  return exitCodeOfStatus(waitForExit(forkChild(() => errnoOf(() => unshare(['user'])))))
}

function errnoOf(act: () => void): number {
  try {
    act()
    return 0
  } catch (error) {
    return error instanceof SyscallError ? error.errno : 255
  }
}

export function judgeNamespaces(errno: number, restrictions: Restrictions, program: string): Finding {
  if (errno === 0) return finding(NAMESPACES, 'ok', 'an unprivileged process can create one')
  const { message, hint } = diagnoseUnshareFailure(errno, restrictions, program)
  return finding(NAMESPACES, 'error', message, hint)
}

export function judgeSysctls({ maxUserNamespaces, unprivilegedClone }: Restrictions): Finding {
  const values = [
    ...(maxUserNamespaces === undefined ? [] : [`user.max_user_namespaces=${maxUserNamespaces}`]),
    ...(unprivilegedClone === undefined ? [] : [`kernel.unprivileged_userns_clone=${unprivilegedClone}`]),
  ]
  const fixes = [
    ...(maxUserNamespaces === 0 ? ['user.max_user_namespaces=15000'] : []),
    ...(unprivilegedClone === 0 ? ['kernel.unprivileged_userns_clone=1'] : []),
  ]
  if (fixes.length > 0) {
    const commands = fixes.map((line) => `echo ${line} >> /etc/sysctl.d/90-bryo.conf`)
    return finding(SYSCTLS, 'error', values.join(', '), `as root: ${commands.join('; ')}; sysctl --system`)
  }
  if (maxUserNamespaces !== undefined && maxUserNamespaces < 100) {
    const fix = 'as root: echo user.max_user_namespaces=15000 >> /etc/sysctl.d/90-bryo.conf; sysctl --system'
    return finding(SYSCTLS, 'warning', `${values.join(', ')}: room for few containers`, fix)
  }
  return finding(SYSCTLS, 'ok', values.join(', ') || 'none on this kernel')
}

export function judgeAppArmor({ apparmorRestrict }: Restrictions, program: string): Finding {
  if (apparmorRestrict !== 1) return finding(APPARMOR, 'ok', 'not active')
  // The mount probe says whether this very program is exempt.
  const detail = 'kernel.apparmor_restrict_unprivileged_userns=1: only programs with a profile may use them'
  return finding(APPARMOR, 'warning', detail, appArmorFix(program))
}

/** Writes the real maps of a container, and mounts in it: under AppArmor's restriction that is what fails. */
export function checkIdMap(
  facts: DoctorFacts,
  identity: Identity,
  plan: IdMapPlan | BryoError,
): readonly Finding[] {
  if (plan instanceof BryoError) return [finding(ID_MAP, 'error', plan.message, plan.hint)]
  try {
    const status = runInUserNamespace({
      maps: plan.maps,
      identity,
      namespaces: ['mount'],
      searchPath: facts.env.PATH,
      main: () => errnoOf(() => mount({ source: 'tmpfs', target: '/', fstype: 'tmpfs' })),
    })
    return [judgeMount(exitCodeOfStatus(status), plan, facts.program)]
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
    return [finding(ID_MAP, 'error', error.message, error.hint)]
  }
}

export function judgeMount(errno: number, { maps }: IdMapPlan, program: string): Finding {
  if (errno !== 0) {
    const detail = `the maps can be written, but mounting fails with ${errnoName(errno)}`
    return finding(
      ID_MAP,
      'error',
      `${detail}: a security module takes the capabilities away`,
      appArmorFix(program),
    )
  }
  const count = maps.uid.reduce((sum, { size }) => sum + size, 0)
  return finding(ID_MAP, 'ok', `${count} user ${count === 1 ? 'id' : 'ids'} mapped`)
}
