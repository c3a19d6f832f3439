import type { ContainerRecord } from '../../storage/container/record.ts'
import { readAllImages, readImage } from '../../storage/image/images.ts'
import type { Engine } from '../engine.ts'
import type { StartSubject } from './start.ts'
import { storedConfig } from './stored.ts'

/** What a container was made with: its request, and the configuration of its image where that is still there. */
export function containerSettings(
  engine: Engine,
  record: ContainerRecord,
): Pick<StartSubject, 'config' | 'image'> {
  return { config: storedConfig(record), image: imageConfig(engine, record) }
}

function imageConfig({ store }: Engine, { image }: ContainerRecord) {
  const summary = image && readAllImages(store).find(({ id }) => id === image.id)
  return summary && readImage(store, summary)?.config
}
