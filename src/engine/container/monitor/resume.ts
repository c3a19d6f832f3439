import { requireContainer } from '../../../storage/container/find.ts'
import { isContainerId } from '../../../storage/container/record.ts'
import { removeContainer } from '../../../storage/container/remove.ts'
import { appendEvent } from '../../../storage/events.ts'
import { adoptWork, workName } from '../../../storage/work.ts'
import { setCloseOnExec } from '../../../syscall/fd.ts'
import type { Engine } from '../../engine.ts'
import { containerEvent } from '../event.ts'
import { removeOwnImage } from '../removeOwnImage.ts'
import { recordFailure } from '../start.ts'
import { lockStart } from '../startLock.ts'
import { startSubject } from '../startTurn.ts'
import { storedConfig } from '../stored.ts'
import { restartInPlace } from './start.ts'
import { hasStopMark } from './stopMark.ts'

/** The monitor's next step after the end of a `--rm` container: removes it. @param workFd the hold on it, inherited */
export async function removeAfterEnd(engine: Engine, id: string, workFd: number): Promise<void> {
  if (!isContainerId(id)) return
  setCloseOnExec(workFd, true)
  const work = adoptWork(engine.store, workName('container', id), workFd)
  const { runInUserns } = engine
  const record = requireContainer(engine.store, id)
  const { request } = storedConfig(record)
  removeContainer(engine.store, id, { work, runInUserns, removeVolumes: true })
  appendEvent(engine.store, containerEvent(record, 'remove'))
  await removeOwnImage(engine, request)
}

/** The monitor's next step where the restart policy asks for it: ends by executing the monitor anew. */
export async function restartAfterEnd(
  engine: Engine,
  id: string,
  previous: { readonly restartCount: number; readonly backOffMs: number },
): Promise<void> {
  const record = requireContainer(engine.store, id)
  const subject = startSubject(engine, record)
  using _starting = lockStart(engine, record)
  // Stopped in the moment before.
  if (hasStopMark(engine.store, record.id)) return
  appendEvent(engine.store, containerEvent(record, 'restart'))
  try {
    await restartInPlace(engine, subject, previous)
  } catch (error) {
    recordFailure(engine, record, error)
    throw error
  }
}
