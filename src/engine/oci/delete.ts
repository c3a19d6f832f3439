import { BryoError, unlessErrno } from '../../base/errors.ts'
import { sleep } from '../../base/sleep.ts'
import { endGroup } from '../../cgroup/group.ts'
import { parseConfig } from '../../runtime/oci/config/parse.ts'
import { runAllHooks } from '../../runtime/oci/stage/hooks.ts'
import { stateDocument } from '../../runtime/oci/state.ts'
import {
  checkContainerId,
  lockContainer,
  type OciRecord,
  readConfigCopy,
  readRecord,
  removeContainerDirectory,
  statusOf,
} from './container.ts'
import type { OciCaller } from './create.ts'
import { killAndWait, ownGroup } from './signal.ts'

/** How long a process may take to end once it is killed, and a creation to come to its end. */
const END_MS = 10_000
const RETRY_MS = 5

/**
 * Removes a stopped container, or with `force` one in any state; its poststop hooks run after that.
 * @throws BryoError NOT_FOUND (not with `force`), INVALID_STATE
 */
export function deleteById(caller: OciCaller, id: string, { force }: { readonly force: boolean }): void {
  const record = readRecord(caller.stateRoot, checkContainerId(id))
  if (!record) {
    if (force) return
    throw new BryoError('NOT_FOUND', `container "${id}" does not exist`)
  }
  const status = statusOf(record)
  if (status !== 'stopped' && !force) throw notStopped(id, status)
  using lock = awaitLock(record)
  if (!lock) throw notStopped(id, 'creating')
  if (!killAndWait(record, END_MS)) throw notStopped(id, 'running')
  const hooks = poststopHooks(record)
  const group = ownGroup(caller.stateRoot, record)
  // Whatever else is in it ends with its first process.
  if (group !== undefined) endGroup(group)
  removeContainerDirectory(record.directory)
  const failures = runAllHooks('poststop', hooks, stateDocument(record, 'stopped', 0))
  for (const failure of failures) caller.onWarning(failure)
}

/** A creator that was just killed, and what it has forked, let go of the lock in a moment. */
function awaitLock(record: OciRecord): ReturnType<typeof lockContainer> {
  for (const end = Date.now() + END_MS; ; ) {
    const lock = lockContainer(record)
    if (lock || Date.now() > end) return lock
    sleep(RETRY_MS)
  }
}

function notStopped(id: string, status: string): BryoError {
  return new BryoError('INVALID_STATE', `cannot delete container "${id}": it is ${status}, expected stopped`)
}

/** None where its creation was killed before it had a configuration. */
function poststopHooks(record: OciRecord): ReturnType<typeof parseConfig>['hooks']['poststop'] {
  return unlessErrno(() => parseConfig(readConfigCopy(record), 'config.json').hooks.poststop, 'ENOENT') ?? []
}
