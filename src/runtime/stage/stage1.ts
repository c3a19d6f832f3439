import { closeSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { setns, unshare } from '../../syscall/namespace.ts'
import { exitNow, fork, getrlimit, joinNewSessionKeyring, RLIMIT, setrlimit } from '../../syscall/process.ts'
import { sendMessage } from '../messages.ts'
import type { ForkPlan } from '../plan.ts'
import { runInit, type StageFds } from './init.ts'
import { reportFailure, setStepDebugging, step } from './step.ts'

/** The step whose failure has its cause in the host's settings. */
export const NAMESPACE_STEP = 'create the namespaces'

/**
 * Body of the first forked child: makes the namespaces, forks init into them and ends, so that init
 * becomes a child of the waiting process.
 */
export function runStage1(plan: ForkPlan, fds: StageFds): number {
  const { controlFd } = fds
  setStepDebugging(plan.debug)
  try {
    step('limit the number of processes', () => limitProcesses(plan.processLimit))
    step('join a new session keyring', joinNewSessionKeyring)
    step(NAMESPACE_STEP, () => enterNamespaces(plan))
    const pid = forkWithinLimit(plan.processLimit)
    if (pid === 0) return runInit(fds)
    sendMessage(controlFd, { kind: 'init-forked', pid })
    exitNow(0)
  } catch (error) {
    reportFailure(controlFd, error)
    exitNow(1)
  }
}

/** @throws BryoError RUNTIME that says what counts, where the limit is below what runs already */
function forkWithinLimit(limit: number | undefined): number {
  try {
    return fork()
  } catch (error) {
    if (!isErrno(error, 'EAGAIN') || limit === undefined) throw error
    throw new BryoError(
      'RUNTIME',
      `cannot start the container: its limit of ${limit} processes is reached already`,
      {
        hint: "without a delegated cgroup the kernel counts the caller's other processes too: raise --pids-limit",
        cause: error,
      },
    )
  }
}

/**
 * The limit counts the processes of the whole user namespace only when it is set before the namespace is made.
 * @see kernel commit 21d1c5e386bc ("Reimplement RLIMIT_NPROC on top of ucounts")
 */
function limitProcesses(limit: number | undefined): void {
  if (limit === undefined) return
  const { hard } = getrlimit(RLIMIT.nproc)
  const wanted = BigInt(limit)
  const value = hard < wanted ? hard : wanted
  setrlimit(RLIMIT.nproc, { soft: value, hard: value })
}

function enterNamespaces({ namespaces, join }: ForkPlan): void {
  if (!join) {
    unshare(['user', ...namespaces])
    return
  }
  setns(join.userFd, ['user'])
  setns(join.networkFd, ['network'])
  closeSync(join.userFd)
  closeSync(join.networkFd)
  unshare(namespaces)
}
