import { closeSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { countSilentFork } from '../base/forkCount.ts'
import { SIGKILL } from '../base/signals.ts'
import { closeAllFdsBut, messageSocketPair, pollReadable } from '../syscall/fd.ts'
import { setns } from '../syscall/namespace.ts'
import {
  forkChild,
  getpid,
  getppid,
  killIfAlive,
  setDumpable,
  setGroupId,
  setgroups,
  setParentDeathSignal,
  setUserId,
  waitForExit,
} from '../syscall/process.ts'
import { type EnterMessage, receiveMessage, sendMessage } from './enter-messages.ts'

export interface ForkTask {
  /** Fds that `main` uses, beside 0, 1 and 2; all others are closed in the child. */
  readonly keepFds: readonly number[]
  /** A user namespace that is there already, to enter as its root; without it, the child stays who the caller is. */
  readonly join?: {
    readonly userFd: number
    /** Ids inside. */
    readonly root: { readonly uid: number; readonly gid: number }
  }
  /** Gives the exit status. Synchronous calls only. */
  readonly main: () => number
}

/** A child caught in a lock that another thread held at the fork says nothing, ever. */
const SILENCE_MS = 5000
const FAILED = 125

/**
 * Forks a child for synchronous work, which ends with this process, and gives its pid when `main` is about to run. The caller
 * reaps it.
 * @throws BryoError RUNTIME; no child is left then
 */
export function startForkTask(task: ForkTask): { readonly pid: number } {
  // `main` has not begun in a child that has gone silent, so a second one may take its place.
  const pid = tryToStart(task) ?? tryToStart(task)
  if (pid !== undefined) return { pid }
  throw new BryoError('RUNTIME', `cannot fork: two forked processes were silent for ${SILENCE_MS} ms`)
}

function tryToStart(task: ForkTask): number | undefined {
  const [ours, theirs] = messageSocketPair()
  const parentPid = getpid()
  let pid: number
  try {
    pid = forkChild(() => runChild(task, theirs, parentPid))
  } finally {
    closeSync(theirs)
  }
  try {
    if (pollReadable(ours, SILENCE_MS)) return expectEntered(pid, receiveMessage(ours))
    countSilentFork()
    killIfAlive(pid, SIGKILL)
    waitForExit(pid)
    return undefined
  } finally {
    closeSync(ours)
  }
}

function expectEntered(pid: number, found: EnterMessage | undefined): number {
  if (found?.kind === 'entered') return pid
  waitForExit(pid)
  const text = found?.kind === 'failed' ? found.message : 'the forked process ended'
  throw new BryoError('RUNTIME', `cannot enter the container's user namespace: ${text}`)
}

function runChild({ keepFds, join, main }: ForkTask, socket: number, parentPid: number): number {
  try {
    closeAllFdsBut([0, 1, 2, socket, ...(join ? [join.userFd] : []), ...keepFds])
    if (join) enterAsRoot(join)
    // After the last change of credentials, which clears it; the parent may be gone since before.
    setParentDeathSignal(SIGKILL)
    if (getppid() !== parentPid) return FAILED
  } catch (error) {
    sendMessage(socket, { kind: 'failed', step: 'join', errno: 0, message: messageOf(error) })
    return FAILED
  }
  sendMessage(socket, { kind: 'entered' })
  closeSync(socket)
  return main()
}

function enterAsRoot({ userFd, root }: NonNullable<ForkTask['join']>): void {
  // It is in the host's mount namespace: a container that shares the host's processes must not get into it.
  setDumpable(false)
  setns(userFd, ['user'])
  closeSync(userFd)
  try {
    setgroups([])
  } catch (error) {
    // Denied in a namespace with a single id, where the caller's own groups stay.
    if (!isErrno(error, 'EPERM')) throw error
  }
  setGroupId(root.gid)
  setUserId(root.uid)
}
