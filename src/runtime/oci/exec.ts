import { closeSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { ownFd } from '../../syscall/fd.ts'
import { foreignNamespaces, setns } from '../../syscall/namespace.ts'
import { pidfdOpen } from '../../syscall/process.ts'
import { endForked, type ForkedProcess, forkIntoNamespaces } from './fork.ts'
import { expectStageMessage, passTerminal, startContainer } from './launch.ts'
import { sendOciMessage } from './messages.ts'
import { passedFds } from './plan.ts'
import { type ExecPlan, runOciExec } from './stage/exec.ts'
import { openProcessFiles, type ProcessFiles } from './stage/process.ts'

export interface ExecRequest extends ExecPlan {
  /** The container's first process. */
  readonly initPid: number
  /** Whether that pid still is the container's; asked once it cannot become somebody else's any more. */
  readonly isStillInit: () => boolean
  readonly debug: boolean
  /** Takes the master end of the terminal, which is closed after it. */
  readonly onTerminal: (masterFd: number) => void
  /** It waits, and has done nothing yet. */
  readonly enterGroup: (pid: number) => void
  /** It exists, and executes its program when this returns. */
  readonly onCreated: (pid: number) => void
}

/**
 * Adds a process to a container.
 * @returns its pid; a child of this process, which lives on without it
 * @throws BryoError; nothing of it runs then
 */
export function execInContainer(request: ExecRequest): number {
  using handle = ownFd(pidfdOpen(request.initPid))
  if (!request.isStillInit()) throw new BryoError('INVALID_STATE', 'cannot exec in a stopped container')
  const namespaces = foreignNamespaces(request.initPid)
  let files: ProcessFiles = { procFd: undefined, visible: false }
  const forked = forkIntoNamespaces({
    enter: () => {
      files = openProcessFiles(request.process, files)
      setns(handle.fd, namespaces)
    },
    main: (controlFd) => runOciExec(request, files, controlFd),
    hidden: true,
    keepFds: [...passedFds(request.process), handle.fd],
    debug: request.debug,
  })
  try {
    seeThrough(request, forked)
  } catch (error) {
    endForked(forked)
    throw error
  }
  closeSync(forked.controlFd)
  return forked.pid
}

function seeThrough(request: ExecRequest, { pid, controlFd }: ForkedProcess): void {
  request.enterGroup(pid)
  sendOciMessage(controlFd, { kind: 'begin' })
  if (request.process.terminal) {
    expectStageMessage(controlFd, 'terminal')
    passTerminal(controlFd, request)
  }
  expectStageMessage(controlFd, 'ready')
  request.onCreated(pid)
  startContainer(controlFd, pid)
}
