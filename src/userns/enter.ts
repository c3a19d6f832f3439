import { closeSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import { countSilentFork } from '../base/forkCount.ts'
import type { IdMaps } from '../base/idmap.ts'
import { SIGKILL } from '../base/signals.ts'
import { messageSocketPair, pollReadable } from '../syscall/fd.ts'
import type { NamespaceType } from '../syscall/namespace.ts'
import { forkChild, getpid, killIfAlive, type WaitStatus, waitForExit } from '../syscall/process.ts'
import { enterAsChild } from './enter-child.ts'
import { type EnterMessage, receiveMessage, sendMessage } from './enter-messages.ts'
import type { Identity } from './identity.ts'
import { diagnoseUnshareFailure } from './unshare-failure.ts'
import { chooseMapMethod, type MapMethod, writeIdMaps } from './write.ts'

export interface UserNamespaceTask {
  readonly maps: IdMaps
  readonly identity: Identity
  /**
   * Runs in the child as uid and gid 0 of the namespace (as the caller where the maps have no 0), with all
   * capabilities over it; gives the exit status. Synchronous calls only.
   */
  readonly main: () => number
  /**
   * Runs in the child in its new namespaces while it still is the caller, who may have rights that `main` lacks: here sources of
   * mounts are opened. Synchronous calls only.
   */
  readonly prepare?: () => void
  /** Created together with the user namespace. */
  readonly namespaces?: readonly NamespaceType[]
  /**
   * Fds that `main` uses, beside 0, 1 and 2: all others are closed in the child, which else would keep the pipes of
   * this process open. Without it, the child keeps every fd.
   */
  readonly keepFds?: readonly number[]
  /** SIGKILL for the child when this process ends before it; true by default. */
  readonly dieWithParent?: boolean
  /** $PATH, to find newuidmap. */
  readonly searchPath?: string | undefined
  /** See {@link chooseMapMethod}. */
  readonly method?: MapMethod
}

/** A child caught in a lock that another thread held at the fork says nothing, ever. */
const SILENCE_MS = 5000

/**
 * Forks a child into a new user namespace and gives its pid as soon as `main` is about to run. The caller reaps it.
 * @throws BryoError USERNS_DENIED, IDMAP_FAILED, TOOL_MISSING, RUNTIME; no child is left then
 */
export function startInUserNamespace(task: UserNamespaceTask): { readonly pid: number } {
  // `main` has not begun in a child that has gone silent, so a second one may take its place.
  const pid = tryToStart(task) ?? tryToStart(task)
  if (pid !== undefined) return { pid }
  throw new BryoError(
    'RUNTIME',
    `cannot enter a user namespace: two forked processes were silent for ${SILENCE_MS} ms`,
  )
}

/** As {@link startInUserNamespace}, and waits for the child's end. */
export function runInUserNamespace(task: UserNamespaceTask): WaitStatus {
  return waitForExit(startInUserNamespace(task).pid)
}

interface Child {
  readonly pid: number
  readonly socket: number
}

function forkIntoNamespace(task: UserNamespaceTask): Child {
  const [ours, theirs] = messageSocketPair()
  const { maps, main, prepare = () => {}, namespaces = [], keepFds, dieWithParent = true } = task
  const request = {
    socket: theirs,
    parentSocket: ours,
    parentPid: getpid(),
    maps,
    namespaces,
    keepFds,
    dieWithParent,
    prepare,
    main,
  }
  try {
    return { pid: forkChild(() => enterAsChild(request)), socket: ours }
  } finally {
    closeSync(theirs)
  }
}

/** The child's pid; undefined where it fell silent and was killed. */
function tryToStart(task: UserNamespaceTask): number | undefined {
  const child = forkIntoNamespace(task)
  try {
    if (!expectMessage(child, 'userns-created')) return abandonSilent(child)
    const method = task.method ?? chooseMapMethod(task.maps, task.identity)
    writeIdMaps(child.pid, task.maps, { ...task, method })
    sendMessage(child.socket, { kind: 'maps-written', setgroups: method !== 'single' })
    if (!expectMessage(child, 'entered')) return abandonSilent(child)
  } catch (error) {
    abandon(child)
    throw error
  }
  closeSync(child.socket)
  return child.pid
}

/** False where the child is silent, or was gone before its first word. */
function expectMessage(child: Child, expected: EnterMessage['kind']): boolean {
  if (!pollReadable(child.socket, SILENCE_MS)) return false
  const found = receiveMessage(child.socket)
  if (found?.kind === expected) return true
  // It ended without a word: nothing of ours makes a child do that so early.
  if (found === undefined && expected === 'userns-created') return false
  if (found?.kind === 'failed' && found.step === 'unshare') throw diagnoseUnshareFailure(found.errno)
  const text = found?.kind === 'failed' ? `${found.step} failed, ${found.message}` : found?.kind
  throw new BryoError(
    'RUNTIME',
    `cannot enter a user namespace: ${text ?? 'the forked process ended'}, expected ${expected}`,
  )
}

function abandon(child: Child): undefined {
  closeSync(child.socket)
  killIfAlive(child.pid, SIGKILL)
  waitForExit(child.pid)
}

/** Another one may take its place. */
function abandonSilent(child: Child): undefined {
  countSilentFork()
  return abandon(child)
}
