import { closeAllFdsBut } from '../../../syscall/fd.ts'
import { exitNow, fork, joinNewSessionKeyring, setDumpable } from '../../../syscall/process.ts'
import { reportFailure, setStepDebugging, step } from '../../stage/step.ts'
import { sendOciMessage } from '../messages.ts'

/** The step whose failure has its cause in the host's settings. */
export const ENTER_NAMESPACES = 'enter the namespaces'

/** How a process comes to be in its namespaces. */
export interface OciEntry {
  /** Makes and joins them. */
  readonly enter: () => void
  /** Runs in them as a child; never returns. */
  readonly main: () => never
  /** Nothing that runs in them may look into this process. Who has to write the id maps of a new user namespace must, though. */
  readonly hidden: boolean
  /** fds of the caller that the child needs; all others are closed. */
  readonly keepFds: readonly number[]
  readonly debug: boolean
}

/**
 * Body of the first forked child: enters the namespaces, forks the process itself into them and ends, so that this becomes a
 * child of who waits for it.
 */
export function runOciStage1({ enter, main, hidden, keepFds, debug }: OciEntry, controlFd: number): never {
  setStepDebugging(debug)
  try {
    closeAllFdsBut([...keepFds, controlFd])
    if (hidden) setDumpable(false)
    step('join a new session keyring', joinNewSessionKeyring)
    step(ENTER_NAMESPACES, enter)
    const pid = fork()
    if (pid === 0) return main()
    sendOciMessage(controlFd, { kind: 'init-forked', pid })
    exitNow(0)
  } catch (error) {
    reportFailure(controlFd, error)
    return exitNow(1)
  }
}
