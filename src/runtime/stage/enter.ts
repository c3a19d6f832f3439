import { openSync } from 'node:fs'
import type { IdMaps } from '../../base/idmap.ts'
import { forkSibling } from '../../syscall/clone.ts'
import { O } from '../../syscall/file.ts'
import { type NamespaceType, setns } from '../../syscall/namespace.ts'
import { exitNow, joinNewSessionKeyring, setDumpable, setsid } from '../../syscall/process.ts'
import type { WindowSize } from '../../syscall/tty.ts'
import { expectParentMessage, sendMessage } from '../messages.ts'
import type { StdioFds } from '../plan.ts'
import { lookUpIdentity } from './identity.ts'
import { limitProcesses } from './processLimit.ts'
import { setUpStdio } from './stdio.ts'
import { reportFailure, setStepDebugging, step } from './step.ts'
import { setUpTerminal } from './terminal.ts'
import { becomeRoot, becomeWorkload, type WorkloadPlan } from './workload.ts'

/** A process that is added to a running container. */
export interface EnterPlan extends WorkloadPlan {
  /** Names the container's init for good. */
  readonly pidFd: number
  /** The namespaces of init that this process is not in. */
  readonly namespaces: readonly NamespaceType[]
  readonly maps: IdMaps
  /** At most so many processes of each of the container's users; undefined for no limit of ours. */
  readonly processLimit: number | undefined
  /** Container root, or the first id where the maps have none. */
  readonly root: { readonly uid: number; readonly gid: number }
  readonly stdio: StdioFds
  readonly initialWindow: WindowSize | undefined
  /** The waiting process moves it into a control group before it enters anything. */
  readonly awaitGroup: boolean
  readonly debug: boolean
}

/**
 * Body of the first forked child: enters the namespaces, forks the process itself into the pid namespace, as a child of the waiting process, and ends.
 */
export function runEntering(plan: EnterPlan, controlFd: number): never {
  setStepDebugging(plan.debug)
  try {
    if (plan.awaitGroup) expectParentMessage(controlFd, 'proceed')
    step('join a new session keyring', joinNewSessionKeyring)
    // Nobody in there may look at this process, which still has descriptors of the host.
    setDumpable(false)
    step('enter the namespaces', () => setns(plan.pidFd, plan.namespaces))
    const { pid, isSibling } = forkSibling()
    if (pid === 0) {
      if (plan.processLimit !== undefined) limitProcesses(plan.processLimit)
      return runEntered(plan, controlFd)
    }
    sendMessage(controlFd, { kind: 'init-forked', pid, ...(isSibling && { cloned: true }) })
    exitNow(0)
  } catch (error) {
    reportFailure(controlFd, error)
    exitNow(1)
  }
}

/** In the container, as its root: nothing of the image has a hold on this process, and no file of it is read but inside of its root. */
function runEntered(plan: EnterPlan, controlFd: number): never {
  try {
    setsid()
    step('become root of the container', () => becomeRoot(plan.root, plan.user.keepGroups))
    const rootFd = openSync('/', O.path | O.directory | O.cloexec)
    const identity = step('look up the user', () => lookUpIdentity(rootFd, plan.user, plan.maps))
    const fds = { rootFd, controlFd }
    // The word comes when the first child's message has been read, which what this one sends must not overtake.
    expectParentMessage(controlFd, 'proceed')
    if (plan.process.terminal) {
      step('set up the terminal', () =>
        setUpTerminal(fds, identity, { window: plan.initialWindow, console: false }),
      )
    } else step('set up stdio', () => setUpStdio(plan.stdio, rootFd, identity))
    becomeWorkload(plan, fds, identity)
  } catch (error) {
    reportFailure(controlFd, error)
    exitNow(1)
  }
}
