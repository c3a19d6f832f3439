import { digestHex } from '../../base/digest.ts'
import { pruneContainers } from '../container/prune.ts'
import type { Engine } from '../engine.ts'
import { pruneImages } from '../image/prune.ts'
import { notePrune, totalBytes } from '../pruneEvent.ts'
import type { PruneFilter } from '../pruneFilter.ts'
import { pruneVolumes } from '../volume/remove.ts'

export interface SystemPruneRequest {
  /** Images with names too. */
  readonly all: boolean
  readonly volumes: boolean
  readonly filter: PruneFilter
}

export interface PrunedSystem {
  readonly containers: readonly string[]
  readonly volumes: readonly string[]
  /** Without `sha256:`. */
  readonly images: readonly string[]
  /** Bytes of all of it. */
  readonly bytes: number
}

/** Removes what nobody uses: containers first, as they use volumes and images. @throws BryoError */
export function pruneSystem(engine: Engine, { all, volumes, filter }: SystemPruneRequest): PrunedSystem {
  const containers = pruneContainers(engine, filter)
  const prunedVolumes = volumes ? pruneVolumes(engine, filter) : []
  const images = pruneImages(engine, { all, filter })
  const bytes = totalBytes([...containers, ...prunedVolumes, images])
  notePrune(engine.store, 'system', bytes)
  return {
    containers: containers.map(({ id }) => id),
    volumes: prunedVolumes.map(({ name }) => name),
    images: images.ids.map(digestHex),
    bytes,
  }
}
