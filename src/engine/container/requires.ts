import { requireContainer } from '../../storage/container/find.ts'
import { effectiveState } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'

/**
 * `--requires`: starts the containers that are to run before this one, each after those that it requires itself.
 * @throws BryoError NOT_FOUND, and whatever keeps one from starting
 */
export async function startRequired(
  engine: Engine,
  { requires = [] }: Pick<ContainerRequest, 'requires'>,
  start: (name: string) => Promise<unknown>,
): Promise<void> {
  for (const name of requires) {
    const record = requireContainer(engine.store, name)
    if (effectiveState(engine.store, record.id).status !== 'running') await start(record.id)
  }
}
