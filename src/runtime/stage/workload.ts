import { BryoError, isErrno } from '../../base/errors.ts'
import { closeOnExecFrom, pollReadable, setCloseOnExec } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { restrictScopes } from '../../syscall/landlock.ts'
import { FS_MAGIC, filesystemTypeOfFd } from '../../syscall/mount.ts'
import { setPersonality } from '../../syscall/personality.ts'
import {
  exitNow,
  setGroupId,
  setgroups,
  setNoNewPrivileges,
  setParentDeathSignal,
  setRlimitByName,
  setUserId,
  umask,
} from '../../syscall/process.ts'
import { openInRoot } from '../../syscall/rootPath.ts'
import { resetSignals } from '../../syscall/signal.ts'
import { applyAfterUserChange, applyBeforeUserChange } from '../capabilities.ts'
import type { LaunchPlan } from '../plan.ts'
import { installSeccompFilter } from '../seccomp/install.ts'
import type { Spec } from '../spec.ts'
import { enterWorkingDirectory, executeWorkload, prepareExecution } from './execute.ts'
import type { Identity } from './identity.ts'
import { step } from './step.ts'
import type { WorkloadLabel } from './trampoline/elf.ts'

/** What turns a process inside of a container into a workload: its first one, or one that was added. */
export type WorkloadPlan = Pick<
  LaunchPlan,
  'capabilities' | 'user' | 'seccomp' | 'scopes' | 'preservedFds' | 'parentDeathSignal' | 'personality'
> & { readonly process: Spec['process'] }

/** The last steps; from the change of the user on the kernel no longer lets this process do what it did before. */
export function becomeWorkload(
  plan: WorkloadPlan,
  { rootFd, controlFd }: { readonly rootFd: number; readonly controlFd: number },
  identity: Identity,
): never {
  const { process: workload } = plan
  const capabilities = identity.uid === 0 ? plan.capabilities.root : plan.capabilities.other
  if (plan.personality) setPersonality(plan.personality)
  // Without no_new_privs the kernel takes these two only from CAP_SYS_ADMIN, which goes with the next steps.
  if (!workload.noNewPrivileges) {
    applyScopes(plan)
    if (plan.seccomp) installSeccompFilter(plan.seccomp)
  }
  const execution = step('prepare the execution', () =>
    prepareExecution({
      reportFd: controlFd,
      seccomp: workload.noNewPrivileges ? plan.seccomp : undefined,
      label: labelOf(workload, rootFd),
    }),
  )
  step('drop capabilities from the bounding set', () => applyBeforeUserChange(capabilities))
  if (!plan.user.keepGroups) step('set the groups', () => setGroupsWhereAllowed(identity.additionalGids))
  step('change the group', () => setGroupId(identity.gid))
  step('change the user', () => setUserId(identity.uid))
  step('set the capabilities', () => applyAfterUserChange(capabilities))
  step('enter the working directory', () => enterWorkingDirectory(rootFd, workload.cwd))
  setParentDeathSignal(plan.parentDeathSignal)
  if (plan.parentDeathSignal !== 0) endIfOrphaned(controlFd)
  resetSignals()
  umask(workload.user.umask)
  closeOnExecFrom(3)
  for (const fd of plan.preservedFds) setCloseOnExec(fd, false)
  // Late, as the steps before need descriptors.
  for (const limit of workload.rlimits) step(`set ${limit.type}`, () => setRlimitByName(limit))
  if (workload.noNewPrivileges) {
    setNoNewPrivileges()
    applyScopes(plan)
  }
  executeWorkload(execution, workload.args, withHome(workload.env, identity.home))
}

function applyScopes({ scopes }: WorkloadPlan): void {
  if (scopes) step('scope sockets and signals', () => restrictScopes(scopes))
}

/** @throws BryoError RUNTIME where the container's /proc is not the kernel's */
function labelOf(
  { apparmorProfile, selinuxLabel }: Spec['process'],
  rootFd: number,
): WorkloadLabel | undefined {
  if (apparmorProfile === undefined && selinuxLabel === undefined) return undefined
  const procFd = openInRoot(rootFd, '/proc', O.path | O.directory, { strict: true })
  if (filesystemTypeOfFd(procFd) !== FS_MAGIC.proc)
    throw new BryoError('RUNTIME', "cannot confine the workload: its /proc is not the kernel's")
  return workloadLabel({ apparmorProfile, selinuxLabel }, procFd)
}

/** How the kernel is told of one of the two. */
export function workloadLabel(
  labels: { readonly apparmorProfile: string | undefined; readonly selinuxLabel: string | undefined },
  procFd: number,
): WorkloadLabel {
  const { apparmorProfile, selinuxLabel = '' } = labels
  return apparmorProfile === undefined
    ? { procFd, attribute: 'thread-self/attr/exec', text: selinuxLabel }
    : { procFd, attribute: 'thread-self/attr/apparmor/exec', text: `exec ${apparmorProfile}` }
}

/** A parent that died before its death was asked for sends no signal; but its end of the socket is closed. */
function endIfOrphaned(controlFd: number): void {
  if (pollReadable(controlFd, 0)) exitNow(1)
}

/** The environment, which says the home directory itself or is told it. */
export function withHome(env: readonly string[], home: string): readonly string[] {
  return env.some((entry) => entry.startsWith('HOME=')) ? env : [...env, `HOME=${home === '' ? '/' : home}`]
}

/** Becomes who is root in the container's user namespace. */
export function becomeRoot(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  keepGroups: boolean,
): void {
  if (!keepGroups) setGroupsWhereAllowed([])
  setGroupId(gid)
  setUserId(uid)
}

/** Denied in a namespace with a single id, where the caller's own groups stay. @see user_namespaces(7) */
export function setGroupsWhereAllowed(gids: readonly number[]): void {
  try {
    setgroups(gids)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
  }
}
