import { fchownSync, openSync, writeFileSync } from 'node:fs'
import { BryoError, isErrno } from '../../../base/errors.ts'
import { closeOnExecFrom, dup2, dupAtLeast, setCloseOnExec } from '../../../syscall/fd.ts'
import { O } from '../../../syscall/file.ts'
import { setPersonality } from '../../../syscall/personality.ts'
import {
  setDumpable,
  setGroupId,
  setgroups,
  setNoNewPrivileges,
  setRlimitByName,
  setUserId,
  umask,
} from '../../../syscall/process.ts'
import { resetSignals } from '../../../syscall/signal.ts'
import { applyAfterUserChange, applyBeforeUserChange } from '../../capabilities.ts'
import { installSeccompFilter } from '../../seccomp/install.ts'
import {
  type Execution,
  enterWorkingDirectory,
  executeWorkload,
  findWorkload,
  isAnonymousPipe,
  prepareExecution,
} from '../../stage/execute.ts'
import { lookUpIdentity } from '../../stage/identity.ts'
import { step } from '../../stage/step.ts'
import { setGroupsWhereAllowed, withHome, workloadLabel } from '../../stage/workload.ts'
import type { ProcessPlan } from '../plan.ts'

const FIRST_FD = 3

/** What a process takes along from before it is the container's. */
export interface ProcessFiles {
  readonly procFd: number | undefined
  /**
   * The owner of the user namespace may look into the process while it waits, for example to give its network namespace a device. Nobody
   * else is in a user namespace that was just made.
   */
  readonly visible: boolean
}

/** While the host's /proc is there. A score below the caller's takes rights over the host: without them the caller's stays. */
export function openProcessFiles(
  { oomScoreAdj, apparmorProfile, selinuxLabel }: ProcessPlan,
  { visible }: Pick<ProcessFiles, 'visible'>,
): ProcessFiles {
  if (oomScoreAdj !== undefined) adjustOomScore(oomScoreAdj)
  const labelled = apparmorProfile !== undefined || selinuxLabel !== undefined
  const procFd = labelled ? openSync('/proc', O.path | O.directory | O.cloexec) : undefined
  return { procFd, visible }
}

function adjustOomScore(score: number): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score))
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
  }
}

/** The caller's stdio becomes the process's. */
export function inheritStdio({ uid, gid }: ProcessPlan): void {
  for (const fd of [0, 1, 2]) {
    setCloseOnExec(fd, false)
    // So that /dev/stdout can be opened by a user that is not root.
    if (uid !== 0 && isAnonymousPipe(fd)) giveAway(fd, uid, gid)
  }
}

/** A pipe of somebody whose id is not mapped stays theirs. */
function giveAway(fd: number, uid: number, gid: number): void {
  try {
    fchownSync(fd, uid, gid)
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'EINVAL')) throw error
  }
}

/** A process that has become the user's, up to the program. */
export interface ReadyProcess {
  readonly execution: Execution
  readonly env: readonly string[]
}

/**
 * Turns this process into the user's; from here on the kernel no longer lets it do what it did before.
 * @throws BryoError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE where the program will not be found
 */
export function becomePlannedUser(plan: ProcessPlan, rootFd: number, files: ProcessFiles): ReadyProcess {
  const env = step('look up the user', () => withOwnHome(plan, rootFd))
  if (plan.personality) setPersonality(plan.personality)
  const { seccomp, noNewPrivileges } = plan
  // Without no_new_privs the kernel takes a filter only from CAP_SYS_ADMIN, which goes with the next steps.
  if (seccomp && !noNewPrivileges) step('filter system calls', () => installSeccompFilter(seccomp))
  const execution = step('prepare the execution', () =>
    prepareExecution({
      // Only a number yet: the connection that takes the report comes with the order to start.
      reportFd: dupAtLeast(rootFd, FIRST_FD + plan.preservedFds),
      seccomp: noNewPrivileges ? seccomp : undefined,
      label: files.procFd === undefined ? undefined : workloadLabel(plan, files.procFd),
    }),
  )
  for (const limit of plan.rlimits) step(`set ${limit.type}`, () => setRlimitByName(limit))
  step('drop capabilities from the bounding set', () => applyBeforeUserChange(plan.capabilities))
  step('set the groups', () => setGroups(plan.additionalGids))
  step('change the group', () => mapped('group', plan.gid, setGroupId))
  step('change the user', () => mapped('user', plan.uid, setUserId))
  step('set the capabilities', () => applyAfterUserChange(plan.capabilities))
  step('enter the working directory', () => enterWorkingDirectory(rootFd, plan.cwd))
  umask(plan.umask)
  resetSignals()
  setDumpable(files.visible)
  if (plan.args.length > 0) findWorkload(plan.args, env)
  return { execution, env }
}

/** The kernel's word for an id that is not mapped says nothing to people. */
function mapped(kind: 'user' | 'group', id: number, change: (id: number) => void): void {
  try {
    change(id)
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error
    throw new BryoError(
      'RUNTIME',
      `cannot use ${kind} ${id}: the container's user namespace does not map it`,
      {
        cause: error,
      },
    )
  }
}

/** Groups that were asked for must be had. */
function setGroups(gids: readonly number[]): void {
  if (gids.length > 0) setgroups(gids)
  else setGroupsWhereAllowed([])
}

/** Any id: the kernel has the last word on what is mapped. */
const ALL_IDS = [{ containerId: 0, hostId: 0, size: 0xffffffff }]

/** The container's own user database knows the home directory, where the environment does not say it. */
function withOwnHome({ env, uid, gid }: ProcessPlan, rootFd: number): readonly string[] {
  if (env.some((entry) => entry.startsWith('HOME='))) return env
  const request = {
    text: `${uid}:${gid}`,
    groups: [],
    keepGroups: false,
    addEntries: false,
    passwdEntry: undefined,
  }
  const { home } = lookUpIdentity(rootFd, request, { uid: ALL_IDS, gid: ALL_IDS })
  return withHome(env, home)
}

/**
 * The last steps: what must come last.
 * @param reportFd a connection; its other side is told `executing`, then what awaitWorkload() reads
 */
export function executePlanned(plan: ProcessPlan, { execution, env }: ReadyProcess, reportFd: number): never {
  if (plan.args.length === 0) {
    throw new BryoError('USAGE', 'cannot start the container: its configuration has no process')
  }
  dup2(reportFd, execution.parameters.reportFd)
  closeOnExecFrom(FIRST_FD + plan.preservedFds)
  for (let fd = FIRST_FD; fd < FIRST_FD + plan.preservedFds; fd++) setCloseOnExec(fd, false)
  if (plan.noNewPrivileges) setNoNewPrivileges()
  executeWorkload(execution, plan.args, env)
}
