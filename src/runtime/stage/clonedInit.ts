import { cloneChild } from '../../syscall/clone.ts'
import { joinNewSessionKeyring } from '../../syscall/process.ts'
import { sendMessage } from '../messages.ts'
import type { ForkPlan } from '../plan.ts'
import { runInit, type StageFds } from './init.ts'
import { limitProcesses, withBoundNamespace } from './processLimit.ts'
import { NAMESPACE_STEP } from './stage1.ts'
import { setStepDebugging, step } from './step.ts'

/**
 * Makes init straight in its namespaces, as a child of this process.
 * @param prepare called in init first
 * @returns its pid; undefined where that needs a stage 1
 * @throws SyscallError
 */
export function cloneInit(plan: ForkPlan, fds: StageFds, prepare: () => void): number | undefined {
  const { joins, namespaces, processLimit } = plan
  if (joins.length > 0) return undefined
  const clone = () =>
    cloneChild(['user', ...namespaces], () => {
      prepare()
      return runClonedInit(plan, fds)
    })
  // Init has it from this process, which has no use for its own: inside of the user namespace keys would count for somebody else.
  step('join a new session keyring', joinNewSessionKeyring)
  return step(NAMESPACE_STEP, () =>
    processLimit === undefined ? clone() : withBoundNamespace(processLimit, clone),
  )
}

/** What stage 1 does for another init comes first. */
function runClonedInit({ debug, processLimit }: ForkPlan, fds: StageFds): never {
  setStepDebugging(debug)
  if (processLimit !== undefined) step('limit the number of processes', () => limitProcesses(processLimit))
  // It goes on: no lock of the engine holds it.
  sendMessage(fds.controlFd, { kind: 'init-started' })
  return runInit(fds)
}
