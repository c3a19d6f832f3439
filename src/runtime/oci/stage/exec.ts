import { openSync } from 'node:fs'
import { O } from '../../../syscall/file.ts'
import { exitNow, setDumpable, setsid, umask } from '../../../syscall/process.ts'
import { reportFailure, step } from '../../stage/step.ts'
import { setUpTerminal } from '../../stage/terminal.ts'
import { becomeRoot } from '../../stage/workload.ts'
import { expectOciParentMessage, sendOciMessage } from '../messages.ts'
import type { ProcessPlan } from '../plan.ts'
import { becomePlannedUser, executePlanned, inheritStdio, type ProcessFiles } from './process.ts'

export interface ExecPlan {
  readonly process: ProcessPlan
  /** Who is root in the container's user namespace; undefined where that is the caller's. */
  readonly root: { readonly uid: number; readonly gid: number } | undefined
}

/** Body of a process that is added to a container, in its namespaces: becomes the user's program. */
export function runOciExec({ process, root }: ExecPlan, files: ProcessFiles, controlFd: number): never {
  try {
    setsid()
    umask(0)
    expectOciParentMessage(controlFd, 'begin')
    if (root) {
      step('become root of the container', () => becomeRoot(root, false))
      setDumpable(false)
    }
    const rootFd = openSync('/', O.path | O.directory | O.cloexec)
    if (process.terminal) {
      const { window } = process
      step('set up the terminal', () =>
        setUpTerminal({ rootFd, controlFd }, process, { window, console: false }),
      )
    } else step('set up stdio', () => inheritStdio(process))
    const ready = becomePlannedUser(process, rootFd, files)
    sendOciMessage(controlFd, { kind: 'ready' })
    expectOciParentMessage(controlFd, 'start')
    return executePlanned(process, ready, controlFd)
  } catch (error) {
    reportFailure(controlFd, error)
    return exitNow(1)
  }
}
