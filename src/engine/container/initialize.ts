import { requireContainer } from '../../storage/container/find.ts'
import type { Engine } from '../engine.ts'
import { initializeMonitored } from './monitor/start.ts'
import { checkStartable } from './startLock.ts'
import { awaitTurn } from './startTurn.ts'

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
  const { lock, subject, state } = awaitTurn(engine, record, VERB)
  using _starting = lock
  checkStartable(record, state, VERB)
  const { work } = subject
  try {
    await initializeMonitored(engine, subject, options)
  } catch (error) {
    // It never ran, and stays.
    work?.finish()
    throw error
  }
  work?.lock.release()
}
