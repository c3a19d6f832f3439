import { BryoError } from '../../base/errors.ts'
import { readContainers } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import type { Engine } from '../engine.ts'

/** What `--latest` means: the container that was made last. @throws BryoError NOT_FOUND where there is none */
export function latestContainer({ store }: Engine): ContainerRecord {
  const latest = readContainers(store).at(-1)
  if (latest) return latest
  throw new BryoError('NOT_FOUND', 'cannot find the latest container: there are no containers')
}
