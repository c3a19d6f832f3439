import { sendMessage } from '../messages.ts'
import type { ForkPlan } from '../plan.ts'
import { runInit, type StageFds } from './init.ts'
import { limitProcesses } from './processLimit.ts'
import { setStepDebugging, step } from './step.ts'

/** Body of an init that the waiting process has made straight in its namespaces: what stage 1 does for another one comes first. */
export function runClonedInit({ debug, processLimit }: ForkPlan, fds: StageFds): never {
  setStepDebugging(debug)
  if (processLimit !== undefined) step('limit the number of processes', () => limitProcesses(processLimit))
  // It goes on: no lock of the engine holds it.
  sendMessage(fds.controlFd, { kind: 'init-started' })
  return runInit(fds)
}
