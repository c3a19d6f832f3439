import { appendEvent } from '../../storage/events.ts'
import { findVolume } from '../../storage/volume/volumes.ts'
import type { Engine } from '../engine.ts'
import { contentDirectory } from './content.ts'

/**
 * `volume mount`: the directory with the content. There is nothing to be mounted for it.
 * @throws BryoError NOT_FOUND, AMBIGUOUS, UNSUPPORTED for a tmpfs
 */
export function mountVolume(engine: Engine, name: string): string {
  const volume = findVolume(engine.store, name)
  const path = contentDirectory(volume)
  note(engine, volume.name, 'mount')
  return path
}

/** `volume unmount`: gives the name. @throws BryoError NOT_FOUND, AMBIGUOUS */
export function unmountVolume(engine: Engine, name: string): string {
  const volume = findVolume(engine.store, name)
  note(engine, volume.name, 'unmount')
  return volume.name
}

function note({ store }: Engine, name: string, action: string): void {
  appendEvent(store, { type: 'volume', action, id: name, name })
}
