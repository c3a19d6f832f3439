import type { ContainerId, HostPath } from '../../base/brand.ts'
import { isErrno } from '../../base/errors.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { makeDirectory } from '../makeDirectory.ts'
import { randomHex } from '../randomHex.ts'
import type { RunInUserns } from '../runInUserns.ts'
import type { Store } from '../store.ts'
import { tryBeginWork, type Work, workName } from '../work.ts'
import { lockNames, reserveName } from './names.ts'
import {
  type ContainerRecord,
  containerDirectory,
  isContainerId,
  readContainer,
  recordPath,
} from './record.ts'
import { removeContainer } from './remove.ts'

export interface ContainerRequest extends Omit<ContainerRecord, 'id' | 'name'> {
  /** Two random words by default. */
  readonly name?: string | undefined
  /** Wait until the disk has the record: for containers that are to survive a power cut. */
  readonly durable: boolean
}

/**
 * A container whose making goes on. Until {@link commit}, and for `--rm` until its removal, it lives only as long as
 * `work.lock` is held or its process runs: recoverStore() removes it after that.
 */
export interface ContainerDraft extends Disposable {
  readonly record: ContainerRecord
  readonly directory: HostPath
  /** To be passed to removeContainer() by the process that holds it; a monitor inherits its fd. */
  readonly work: Work
  /** It is made: from now on it stays, unless it is `--rm`. */
  commit(): void
  /** Removes all of it; does nothing after `commit`. */
  discard(): void
}

/**
 * Reserves the name and writes the record.
 * @throws BryoError NAME_IN_USE, USAGE, NO_SPACE; then nothing is left
 */
export function createContainerRecord(
  store: Store,
  request: ContainerRequest,
  runInUserns?: RunInUserns,
): ContainerDraft {
  const { id, work } = beginContainer(store)
  let open = true
  const discard = () => {
    if (!open) return
    open = false
    removeContainer(store, id, { work, runInUserns, removeVolumes: true })
  }
  const commit = () => {
    open = false
    if (!request.autoRemove) work.finish()
  }
  try {
    const record = writeRecord(store, id, request)
    return {
      record,
      directory: containerDirectory(store, id),
      work,
      commit,
      discard,
      [Symbol.dispose]: discard,
    }
  } catch (error) {
    discard()
    throw error
  }
}

function beginContainer(store: Store): { readonly id: ContainerId; readonly work: Work } {
  for (;;) {
    const id = randomHex(32)
    const work = isContainerId(id) ? tryBeginWork(store, workName('container', id)) : undefined
    if (work && isContainerId(id)) return { id, work }
  }
}

function writeRecord(store: Store, id: ContainerId, request: ContainerRequest): ContainerRecord {
  const { name: wanted, durable, ...rest } = request
  const record: ContainerRecord = { ...rest, id, name: reserveName(store, id, wanted) }
  const directory = containerDirectory(store, id)
  makeDirectory(directory, 0o700)
  writeJsonAtomic(recordPath(store, id), record, { durable })
  return record
}

/**
 * Changes the record of a container that exists. Nobody else changes it meanwhile, so nothing of what another process has
 * changed is lost.
 * @returns false where it was removed meanwhile
 */
export function changeContainerRecord(
  store: Store,
  id: ContainerId,
  change: (record: ContainerRecord) => ContainerRecord,
): boolean {
  using _lock = lockNames(store)
  const record = readContainer(store, id)
  return record !== undefined && updateContainerRecord(store, { ...change(record), id, name: record.name })
}

/**
 * Replaces the record of a container that exists, under its id, while lockNames() is held.
 * @returns false where it was removed meanwhile
 */
export function updateContainerRecord(store: Store, record: ContainerRecord): boolean {
  try {
    writeJsonAtomic(recordPath(store, record.id), record, { durable: !record.autoRemove })
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}
