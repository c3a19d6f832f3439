import type { ContainerRecord } from '../../../storage/container/record.ts'
import type { Engine } from '../../engine.ts'
import { holdContainer } from './hold.ts'
import { startInRunning } from './running.ts'
import { startInStopped } from './stopped.ts'
import type { RootTask, StartedTask } from './task.ts'

/**
 * Begins work in a container's root. A running container goes on; the root of any other is mounted in a
 * namespace of the child's own, and the container does not start meanwhile.
 * @throws BryoError; `finish()` throws what the work throws
 */
export function startInContainerRoot<T>(
  engine: Engine,
  record: ContainerRecord,
  task: RootTask<T>,
): StartedTask<T> {
  const hold = holdContainer(engine, record)
  if (hold.kind === 'running') return startInRunning(hold.process, task)
  const stack = new DisposableStack()
  stack.use(hold.lock)
  try {
    const started = startInStopped(engine, record, task)
    stack.use(started)
    const owned = stack.move()
    return { ...started, [Symbol.dispose]: () => owned.dispose() }
  } catch (error) {
    stack.dispose()
    throw error
  }
}
