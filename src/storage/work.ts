import { lstatSync, renameSync } from 'node:fs'
import type { HostPath } from '../base/brand.ts'
import { hostPath } from './hostPath.ts'
import { acquireLock, createLock, holdLock, type Lock, waitForLock } from './lock.ts'
import { randomHex } from './randomHex.ts'
import type { Store } from './store.ts'

/**
 * Something in the making (or being removed): a locked file `pending/NAME`, and room for it to grow at `tmp/NAME`. Where
 * the file is there but its lock is free, the process that worked was killed, and recoverStore() clears up after it.
 */
export interface Work extends Disposable {
  readonly name: string
  /** On the filesystem of the store; made by who needs it. */
  readonly path: HostPath
  /** Its fd, inherited by a child, keeps the work going there: see {@link adoptWork}. */
  readonly lock: Lock
  /** Nothing is left to undo. */
  finish(): void
}

/** @returns undefined where another process works on it */
export function tryBeginWork(store: Store, name: string): Work | undefined {
  const path = hostPath(store.pending, name)
  for (;;) {
    // Found without a lock, it would be taken for the work of a killed process, and undone.
    const lock = createLock(path) ?? acquireLock(path, { mode: 'exclusive', wait: false, create: false })
    if (lock) return workOf(store, name, lock)
    if (lstatSync(path, { throwIfNoEntry: false })) return undefined
  }
}

/**
 * Takes over the work of a process that was killed.
 * @returns undefined where it is being done, or was finished meanwhile
 */
export function tryResumeWork(store: Store, name: string): Work | undefined {
  const path = hostPath(store.pending, name)
  const lock = acquireLock(path, { mode: 'exclusive', wait: false, create: false })
  return lock && workOf(store, name, lock)
}

/** Whether a process works on it now. */
export function isWorkedOn(store: Store, name: string): boolean {
  const path = hostPath(store.pending, name)
  const lock = acquireLock(path, { mode: 'exclusive', wait: false, create: false })
  lock?.release()
  return lock === undefined && lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** As {@link tryBeginWork}, after any other process is done with it. */
export async function waitForWork(store: Store, name: string): Promise<Work> {
  return workOf(store, name, await waitForLock(hostPath(store.pending, name)))
}

/** As {@link tryBeginWork}, standing still until any other process is done with it. */
export function beginWork(store: Store, name: string): Work {
  return workOf(store, name, acquireLock(hostPath(store.pending, name), { mode: 'exclusive', wait: true }))
}

/** Work under a name that no other process uses. */
export function beginOwnWork(store: Store, kind: WorkKind): Work {
  for (;;) {
    const work = tryBeginWork(store, workName(kind, randomHex(8)))
    if (work) return work
  }
}

/** Goes on with work whose lock was inherited as `fd`. */
export function adoptWork(store: Store, name: string, fd: number): Work {
  return workOf(store, name, holdLock(hostPath(store.pending, name), fd))
}

/**
 * Moves what a killed process left at the work's path out of the way; recoverStore(), which can remove files of any id,
 * removes it.
 */
export function setAsideLeftover(store: Store, work: Work): void {
  if (lstatSync(work.path, { throwIfNoEntry: false }) === undefined) return
  const leftover = beginOwnWork(store, 'remove')
  renameSync(work.path, leftover.path)
  leftover.lock.release()
}

export type WorkKind = 'blob' | 'container' | 'index' | 'layer' | 'probe' | 'remove' | 'volume'

/** The name under which work on `key` is known, e.g. `layer-0123456789abcdef`. */
export function workName(kind: WorkKind, key: string): string {
  return `${kind}-${key}`
}

function workOf(store: Store, name: string, lock: Lock): Work {
  return {
    name,
    path: hostPath(store.tmp, name),
    lock,
    finish: lock.remove,
    [Symbol.dispose]: lock.release,
  }
}
