import { closeSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { setns, unshare } from '../../syscall/namespace.ts'
import { exitNow, fork, joinNewSessionKeyring } from '../../syscall/process.ts'
import { sendMessage } from '../messages.ts'
import type { ForkPlan } from '../plan.ts'
import { runInit, type StageFds } from './init.ts'
import { boundNewNamespace, limitProcesses, tooManyProcesses } from './processLimit.ts'
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
    const { processLimit } = plan
    if (processLimit !== undefined)
      step('limit the number of processes', () => boundNewNamespace(processLimit))
    step('join a new session keyring', joinNewSessionKeyring)
    step(NAMESPACE_STEP, () => enterNamespaces(plan))
    const pid = forkWithinLimit()
    if (pid === 0) {
      // Not before the fork: this process would count too.
      if (processLimit !== undefined) limitProcesses(processLimit)
      return runInit(fds)
    }
    sendMessage(controlFd, { kind: 'init-forked', pid })
    exitNow(0)
  } catch (error) {
    reportFailure(controlFd, error)
    exitNow(1)
  }
}

/** @throws BryoError RUNTIME that says what counts, where the caller has as many processes as the host allows */
function forkWithinLimit(): number {
  try {
    return fork()
  } catch (error) {
    if (!isErrno(error, 'EAGAIN')) throw error
    throw tooManyProcesses(error)
  }
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
