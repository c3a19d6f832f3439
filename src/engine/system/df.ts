import { statSync } from 'node:fs'
import { blobPath } from '../../storage/blob/read.ts'
import { readContainers } from '../../storage/container/find.ts'
import { readImage, readImages } from '../../storage/image/images.ts'
import { blobsOf } from '../../storage/image/manifests.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import { treeBytes } from '../../storage/tree/usage.ts'
import { isUp, type ListedContainer, listContainers, writtenBytes } from '../container/list.ts'
import type { Engine } from '../engine.ts'
import { listVolumes } from '../volume/list.ts'

/** Bytes on the disk: unpacked layers and the compressed blobs that they came from. */
export interface ImageUsage {
  readonly image: ImageRecord
  readonly size: number
  /** Of it, what other images have too. */
  readonly shared: number
  /** How many containers have it. */
  readonly containers: number
}

export interface ContainerUsage {
  readonly container: ListedContainer
  readonly isActive: boolean
  readonly volumes: number
  readonly size: number
}

export interface VolumeUsage {
  readonly name: string
  /** How many containers have it. */
  readonly links: number
  readonly size: number
}

export interface DiskUsage {
  readonly images: readonly ImageUsage[]
  /** Of all images; what several have counts once. */
  readonly imagesSize: number
  /** What would be free without the images that no container has. */
  readonly imagesReclaimable: number
  readonly containers: readonly ContainerUsage[]
  readonly volumes: readonly VolumeUsage[]
}

/** What takes room in the store. Files of subordinate ids that this user may not see are not counted. */
export function diskUsage(engine: Engine): DiskUsage {
  const { store } = engine
  const images = readImages(store).flatMap((summary) => readImage(store, summary) ?? [])
  const users = countBy(readContainers(store).flatMap((container) => container.image?.id ?? []))
  const described = images.map((image) => ({ image, parts: partsOf(engine, image) }))
  const owners = countBy(described.flatMap(({ parts }) => [...parts.keys()]))
  const together = (some: typeof described) => total(new Map(some.flatMap(({ parts }) => [...parts])))
  const imagesSize = together(described)
  return {
    images: described.map(({ image, parts }) => {
      const shared = total(new Map([...parts].filter(([key]) => (owners.get(key) ?? 0) > 1)))
      return { image, size: total(parts), shared, containers: users.get(image.id) ?? 0 }
    }),
    imagesSize,
    imagesReclaimable: imagesSize - together(described.filter(({ image }) => users.has(image.id))),
    containers: listContainers(engine).map((container) => ({
      container,
      isActive: isUp(container.state),
      volumes: container.record.volumes.length,
      size: writtenBytes(engine, container.record),
    })),
    volumes: listVolumes(engine).map(({ volume, users: containers }) => ({
      name: volume.name,
      links: containers.length,
      size: treeBytes(volume.path),
    })),
  }
}

/** Bytes by layer and by blob. */
function partsOf({ store }: Engine, image: ImageRecord): ReadonlyMap<string, number> {
  return new Map<string, number>([
    ...image.layers.map(({ diffId, size }) => [`layer ${diffId}`, size] as const),
    ...blobsOf(image).map(
      (digest) => [digest, statSync(blobPath(store, digest), { throwIfNoEntry: false })?.size ?? 0] as const,
    ),
  ])
}

function total(sizes: ReadonlyMap<string, number>): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

function countBy(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}
