import { readdirSync } from 'node:fs'
import type { ContainerId } from '../base/brand.ts'
import { BryoError } from '../base/errors.ts'
import { endLeftProcesses } from './container/leftProcesses.ts'
import { isContainerId } from './container/record.ts'
import { removeContainer } from './container/remove.ts'
import { effectiveState, isLive } from './container/state.ts'
import type { RunInUserns } from './runInUserns.ts'
import type { Store } from './store.ts'
import { removeTree } from './tree/remove.ts'
import { tryResumeWork, type Work } from './work.ts'

const CONTAINER = /^container-(.*)$/

export interface Recovery {
  /** The work that was undone. */
  readonly undone: readonly string[]
  /** What is left for a later command, and why. */
  readonly failed: readonly { readonly name: string; readonly error: unknown }[]
}

/**
 * Clears up after processes that were killed: half-made containers, layers and blobs, removals that stopped half-way, `--rm`
 * containers that ended unseen. One readdir where there is nothing to do. What other processes work on is left alone.
 * @param runInUserns without it, files of subordinate ids are left
 */
export function recoverStore(store: Store, runInUserns?: RunInUserns): Recovery {
  const undone: string[] = []
  const failed: { readonly name: string; readonly error: unknown }[] = []
  for (const name of readdirSync(store.pending)) {
    try {
      if (recover(store, name, runInUserns)) undone.push(name)
    } catch (error) {
      failed.push({ name, error })
    }
  }
  return { undone, failed }
}

function recover(store: Store, name: string, runInUserns: RunInUserns | undefined): boolean {
  const id = CONTAINER.exec(name)?.[1]
  if (id !== undefined && isContainerId(id)) {
    if (isAtWork(store, id)) return false
    const work = tryResumeWork(store, name)
    if (!work) return false
    // Looked at again under the lock: it may have started, and its starter handed over to a monitor, meanwhile.
    if (isAtWork(store, id)) {
      work.lock.release()
      return false
    }
    endLeftProcesses(id)
    removeContainer(store, id, { work, runInUserns, removeVolumes: true })
    return true
  }
  const work = tryResumeWork(store, name)
  if (!work) return false
  undo(work, runInUserns)
  return true
}

function isAtWork(store: Store, id: ContainerId): boolean {
  try {
    return isLive(effectiveState(store, id))
  } catch (error) {
    // A state that a power cut spoilt: nothing runs since.
    if (error instanceof BryoError && error.code === 'STORAGE') return false
    throw error
  }
}

function undo(work: Work, runInUserns: RunInUserns | undefined): void {
  try {
    removeTree(work.path, { runInUserns })
    work.finish()
  } finally {
    work.lock.release()
  }
}
