import type { ContainerRecord } from '../../storage/container/record.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'
import { startInBackground } from './run.ts'
import { type StopOptions, stopContainer } from './stop.ts'

/** `restart`: stops a container where it runs, and starts it in the background. @throws BryoError */
export async function restartContainer(
  engine: Engine,
  record: ContainerRecord,
  options: StopOptions,
): Promise<void> {
  stopContainer(engine, record, options)
  await startInBackground(engine, record.id, options)
  appendEvent(engine.store, containerEvent(record, 'restart'))
}
