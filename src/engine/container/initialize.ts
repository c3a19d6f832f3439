import { requireContainer } from '../../storage/container/find.ts'
import type { Engine } from '../engine.ts'
import { initializeMonitored } from './monitor/start.ts'
import { startSubject } from './run.ts'
import { lockStart, notStartable } from './startLock.ts'

const VERB = 'initialize'

/**
 * `init`: makes all of a container but its workload, for which `start` gives the word.
 * @throws BryoError INVALID_STATE where it has processes; whatever a start may fail with, and then it is as it was
 */
export async function initializeContainer(
  engine: Engine,
  name: string,
  options: { readonly onWarning: (text: string) => void },
): Promise<void> {
  const record = requireContainer(engine.store, name)
  using _starting = lockStart(engine, record, VERB)
  const subject = startSubject(engine, record)
  const { work } = subject
  if (record.autoRemove && !work) throw notStartable(record, 'starting', VERB)
  try {
    await initializeMonitored(engine, subject, options)
  } catch (error) {
    // It never ran, and stays.
    work?.finish()
    throw error
  }
  work?.lock.release()
}
