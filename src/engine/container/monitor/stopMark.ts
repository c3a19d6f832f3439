import { existsSync, rmSync, writeFileSync } from 'node:fs'
import type { ContainerId } from '../../../base/brand.ts'
import { isErrno } from '../../../base/errors.ts'
import { containerDirectory } from '../../../storage/container/record.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import type { Store } from '../../../storage/store.ts'

/** A mark beside the state: the user wants the container's end, so that its restart policy rests. Only a start takes it away. */
function markPath(store: Store, id: ContainerId) {
  return hostPath(containerDirectory(store, id), 'stopped')
}

export function markStopped(store: Store, id: ContainerId): void {
  try {
    writeFileSync(markPath(store, id), '')
  } catch (error) {
    // Removed meanwhile, or a full disk: the end is what counts.
    if (!isErrno(error, 'ENOENT', 'ENOSPC', 'EDQUOT')) throw error
  }
}

export function clearStopMark(store: Store, id: ContainerId): void {
  rmSync(markPath(store, id), { force: true })
}

export function hasStopMark(store: Store, id: ContainerId): boolean {
  return existsSync(markPath(store, id))
}
