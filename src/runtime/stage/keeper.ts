import { closeSync, openSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { STOP_NOTICE } from '../../base/monitorConfig.ts'
import { SIGKILL } from '../../base/signals.ts'
import { closeAllFdsBut, closeOnExecFrom, dup2, dupAtLeast, receiveFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import {
  execve,
  exitNow,
  forkChild,
  killIfAlive,
  setChildSubreaper,
  setsid,
  waitForExit,
} from '../../syscall/process.ts'
import { blockSignals, resetSignals } from '../../syscall/signal.ts'
import { type MonitorProgram, receiveKeeperMessage, sendMessage } from '../messages.ts'
import type { ForkPlan } from '../plan.ts'
import { cloneInit } from './clonedInit.ts'
import type { StageFds } from './init.ts'
import { tooManyProcesses } from './processLimit.ts'
import { runStage1 } from './stage1.ts'
import { reportFailure, setStepDebugging } from './step.ts'

/** HUP, INT, QUIT, TERM: what ends a monitor, and its container before. */
const MONITOR_SIGNALS = [1, 2, 3, 15, STOP_NOTICE]
const FIRST_FD = 3
/** Above all numbers that the monitor's fds will have. */
const ASIDE = 64

/**
 * Body of the process that a detached container has for a parent: it makes init, or forks a stage 1 that does, so that init becomes its child; waits while the
 * container is built by its master, and then executes the monitor. Where the master goes before that, so does the container.
 * @param masterFd the master's messages come from it
 */
export function runKeeper(masterFd: number, plan: ForkPlan, fds: StageFds): never {
  setsid()
  setChildSubreaper()
  const stage1 = makeInit(masterFd, plan, fds)
  // From the moment that somebody may know this process as the monitor, whose business they are.
  blockSignals(MONITOR_SIGNALS)
  closeAllFdsBut([0, 1, 2, masterFd])
  // Whoever called bryo may wait for the end of its output.
  const nothing = openSync('/dev/null', O.rdwr)
  for (const fd of [0, 1, 2]) dup2(nothing, fd)
  if (stage1 !== undefined) waitForExit(stage1)
  let initPid: number | undefined
  for (;;) {
    const message = receiveKeeperMessage(masterFd)
    if (message === undefined) break
    if (message.kind === 'init') initPid = message.pid
    else executeMonitor(message.program, receiveFds(masterFd, message.fds))
  }
  if (initPid !== undefined) {
    killIfAlive(initPid, SIGKILL)
    waitForExit(initPid)
  }
  exitNow(0)
}

/** @returns the pid of stage 1, where there is one */
function makeInit(masterFd: number, plan: ForkPlan, fds: StageFds): number | undefined {
  setStepDebugging(plan.debug)
  try {
    const pid = cloneInit(plan, fds, () => closeSync(masterFd))
    if (pid === undefined) {
      return forkChild(() => {
        closeSync(masterFd)
        return runStage1(plan, fds)
      })
    }
    sendMessage(fds.controlFd, { kind: 'init-forked', pid, cloned: true })
  } catch (error) {
    reportFailure(fds.controlFd, isErrno(error, 'EAGAIN') ? tooManyProcesses(error) : error)
  }
  return undefined
}

function receiveFds(masterFd: number, count: number): readonly number[] {
  return Array.from({ length: count }, () => receiveFd(masterFd))
}

/** Executes the monitor with these fds from 3 on, in their order. */
export function executeMonitor({ path, argv, env }: MonitorProgram, fds: readonly number[]): never {
  const aside = fds.map((fd) => dupAtLeast(fd, ASIDE))
  closeOnExecFrom(FIRST_FD)
  for (const [index, fd] of aside.entries()) dup2(fd, FIRST_FD + index)
  resetSignals(MONITOR_SIGNALS)
  return execve(path, argv, env)
}
