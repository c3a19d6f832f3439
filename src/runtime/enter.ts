import { closeSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import { rootIds } from '../base/idmap.ts'
import { messageSocketPair, ownFd } from '../syscall/fd.ts'
import { foreignNamespaces } from '../syscall/namespace.ts'
import { forkChild, pidfdOpen, setChildSubreaper, waitForExit } from '../syscall/process.ts'
import { awaitExecution } from './execution.ts'
import { type StageMessage, stageError, tellInit } from './messages.ts'
import { scopesOf } from './scopes.ts'
import { type EnterPlan, runEntering } from './stage/enter.ts'
import { endProcess, receiveFirst } from './stages.ts'

export interface EnterRequest
  extends Omit<EnterPlan, 'pidFd' | 'namespaces' | 'root' | 'scopes' | 'awaitGroup'> {
  /** The container's init. */
  readonly initPid: number
  /** Whether that pid still is the container's init; asked once it cannot become somebody else's any more. */
  readonly isStillInit: () => boolean
  /** Sockets and signals end at the process where its namespaces are the host's. */
  readonly landlock: boolean
  /** Moves the process into the container's control group, as what this process is itself: systemd moves nobody else. */
  readonly joinGroup: ((pid: number) => void) | undefined
}

export interface EnteredProcess {
  /** A child of this process. */
  readonly pid: number
  /** Master end of its terminal. */
  readonly terminalFd: number | undefined
}

/** Adds a process to a running container. @throws BryoError; nothing of it runs then */
export function enterContainer({
  initPid,
  isStillInit,
  landlock,
  joinGroup,
  ...request
}: EnterRequest): EnteredProcess {
  setChildSubreaper()
  using handle = ownFd(pidfdOpen(initPid))
  if (!isStillInit()) throw new BryoError('INVALID_STATE', 'the container has ended')
  const namespaces = foreignNamespaces(initPid)
  const plan: EnterPlan = {
    ...request,
    pidFd: handle.fd,
    namespaces,
    scopes: landlock
      ? scopesOf({ network: !namespaces.includes('network'), pid: !namespaces.includes('pid') })
      : undefined,
    root: rootIds(request.maps),
    awaitGroup: joinGroup !== undefined,
  }
  const [controlFd, childFd] = messageSocketPair()
  const first = forkChild(() => {
    closeSync(controlFd)
    return runEntering(plan, childFd)
  })
  closeSync(childFd)
  using control = ownFd(controlFd)
  if (joinGroup) admit(first, control.fd, joinGroup)
  const { pid, cloned } = awaitEntered(first, control.fd)
  try {
    tellInit(control.fd, 'proceed')
    if (cloned) waitForExit(first)
    return { pid, terminalFd: awaitExecution(control.fd, pid) }
  } catch (error) {
    endProcess(pid)
    throw error
  }
}

function admit(first: number, controlFd: number, joinGroup: (pid: number) => void): void {
  try {
    joinGroup(first)
  } catch (error) {
    endProcess(first)
    throw error
  }
  tellInit(controlFd, 'proceed')
}

/** The process in the container; where the first child has not cloned it, that has ended, and left it to this process. */
function awaitEntered(
  first: number,
  controlFd: number,
): Extract<StageMessage, { readonly kind: 'init-forked' }> {
  const message = receiveFirst(controlFd)
  if (message === undefined) {
    endProcess(first)
    throw new BryoError('RUNTIME', 'cannot enter the container: its forked process stays silent')
  }
  if (message.kind === 'init-forked' && message.cloned) return message
  waitForExit(first)
  if (message.kind === 'init-forked') return message
  throw message.kind === 'failed'
    ? stageError(message)
    : new BryoError('RUNTIME', `cannot enter the container: received "${message.kind}"`)
}
