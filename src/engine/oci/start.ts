import { closeSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { parseConfig } from '../../runtime/oci/config/parse.ts'
import { startContainer } from '../../runtime/oci/launch.ts'
import { runAllHooks } from '../../runtime/oci/stage/hooks.ts'
import { stateDocument } from '../../runtime/oci/state.ts'
import {
  connectToWaiting,
  findContainer,
  isAlive,
  type OciRecord,
  readConfigCopy,
  removeSocket,
  statusOf,
  writeRecord,
} from './container.ts'
import type { OciCaller } from './create.ts'

/**
 * Starts a created container: its program runs when this returns.
 * @throws BryoError NOT_FOUND, INVALID_STATE; COMMAND_NOT_FOUND and the like where the program cannot run
 */
export function startById(caller: OciCaller, id: string): void {
  const record = findContainer(caller.stateRoot, id)
  const connection = isAlive(record) ? connectToWaiting(record) : undefined
  if (connection === undefined || !record.process) {
    throw new BryoError(
      'INVALID_STATE',
      `cannot start container "${id}": it is ${statusOf(record)}, expected created`,
    )
  }
  try {
    startContainer(connection, record.process.pid)
  } finally {
    closeSync(connection)
  }
  removeSocket(record)
  writeRecord(record, 'running')
  afterStart(caller, record, record.process.pid)
}

/** The program runs already: a hook that fails changes nothing any more. */
function afterStart({ onWarning }: OciCaller, record: OciRecord, pid: number): void {
  const { hooks } = parseConfig(readConfigCopy(record), 'config.json')
  if (hooks.poststart.length === 0) return
  const failures = runAllHooks('poststart', hooks.poststart, stateDocument(record, 'running', pid))
  for (const failure of failures) onWarning(failure)
}
