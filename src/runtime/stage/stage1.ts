import { openSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { ownFd, sendFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { NAMESPACE_FILE } from '../../syscall/namespace.ts'
import { exitNow, fork, joinNewSessionKeyring, setDumpable } from '../../syscall/process.ts'
import { sendMessage } from '../messages.ts'
import { type ForkPlan, isInSight, joinedUser } from '../plan.ts'
import { runInit, type StageFds } from './init.ts'
import { enterNamespaces } from './namespaces.ts'
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
    const inSight = isInSight(plan)
    if (inSight) setDumpable(false)
    step(NAMESPACE_STEP, () => makeNamespaces(plan))
    if (inSight) showNamespaces(controlFd, plan)
    const pid = forkWithinLimit(inSight)
    if (pid === 0) {
      // Not before the fork: this process would count too.
      if (processLimit !== undefined) limitProcesses(processLimit)
      return runInit(fds, inSight)
    }
    sendMessage(controlFd, { kind: 'init-forked', pid })
    exitNow(0)
  } catch (error) {
    reportFailure(controlFd, error)
    exitNow(1)
  }
}

/** @throws BryoError RUNTIME that says what counts, where the caller has as many processes as the host allows; INVALID_STATE */
function forkWithinLimit(inSight: boolean): number {
  try {
    return fork()
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) throw tooManyProcesses(error)
    if (!inSight || !isErrno(error, 'ENOMEM')) throw error
    // No process can be added to a pid namespace whose first one is gone.
    throw new BryoError('INVALID_STATE', 'cannot join the pid namespace: its first process has ended', {
      cause: error,
    })
  }
}

function makeNamespaces({ namespaces, joins }: ForkPlan): void {
  enterNamespaces(joinedUser({ joins }) ? namespaces : ['user', ...namespaces], joins)
}

/** The caller needs these, and finds no way to them by init's pid. */
function showNamespaces(controlFd: number, { namespaces }: ForkPlan): void {
  for (const type of ['mount', 'network'] as const) {
    if (!namespaces.includes(type)) continue
    using namespace = ownFd(openSync(`/proc/self/ns/${NAMESPACE_FILE[type]}`, O.rdonly | O.cloexec))
    sendMessage(controlFd, { kind: 'namespace', type })
    sendFd(controlFd, namespace.fd)
  }
}
