import type { Digest } from '../../base/brand.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { PortMapping } from '../../base/port.ts'
import { parsePublish } from '../../netns/publish.ts'
import { readSoundContainers } from '../../storage/container/find.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { type ContainerState, effectiveState, isLive } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { imageDetailPath, readAllImages } from '../../storage/image/images.ts'
import { type ImageDetail, parseDetail } from '../../storage/image/record.ts'
import { fieldsOf, readJsonFile } from '../../storage/json.ts'
import { treeBytes } from '../../storage/tree/usage.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { storedConfig } from './stored.ts'
import type { VolumeUse } from './volumes.ts'

/** One container as lists show it. What is a function costs further reading. */
export interface ListedContainer {
  readonly record: ContainerRecord
  readonly state: ContainerState
  readonly request: ContainerRequest
  readonly volumes: readonly VolumeUse[]
  readonly ports: readonly PortMapping[]
  /** The image's, and its own. */
  readonly labels: () => Readonly<Record<string, string>>
}

/**
 * All containers with their states, oldest first. Two small files are read for each. A `--rm` container that has ended is about
 * to be removed, or was left by a killed process for the next command to remove: it is none any more.
 */
export function listContainers(engine: Engine): readonly ListedContainer[] {
  const imageConfig = imageConfigs(engine)
  return readSoundContainers(engine.store).flatMap((record) => {
    const { request, volumes } = storedConfig(record)
    const state = effectiveState(engine.store, record.id)
    if (record.autoRemove && state.status === 'exited') return []
    return [
      {
        record,
        state,
        request,
        volumes,
        ports: publishedPorts(request, state),
        labels: () => ({ ...(record.image && imageConfig(record.image.id)?.labels), ...request.labels }),
      },
    ]
  })
}

/** Whether its workload runs. */
export function isUp(
  state: ContainerState,
): state is Extract<ContainerState, { readonly status: 'running' | 'paused' | 'stopping' }> {
  return isLive(state) && state.status !== 'initialized'
}

/** The ports as they are while it runs, else as they were asked for: with a host port of 0 where any will do. */
export function publishedPorts(request: ContainerRequest, state: ContainerState): readonly PortMapping[] {
  const chosen = 'ports' in state ? state.ports : undefined
  return chosen ?? request.publish.flatMap(parsePublish)
}

/** Bytes that a container wrote to its root. */
export function writtenBytes({ store }: Engine, { id }: ContainerRecord): number {
  return treeBytes(hostPath(containerDirectory(store, id), 'upper'))
}

/** Bytes of the images' content, by id. */
export function imageSizes({ store }: Engine): ReadonlyMap<Digest, number> {
  return new Map(readAllImages(store).map(({ id, size }) => [id, size]))
}

/** Reads each image once; undefined where it is gone. */
export function imageConfigs({ store }: Engine): (id: Digest) => ImageConfig | undefined {
  const known = new Map<Digest, ImageDetail | undefined>()
  return (id) => {
    if (!known.has(id)) {
      const path = imageDetailPath(store, id)
      const content = readJsonFile(path)
      known.set(id, content === undefined ? undefined : parseDetail(fieldsOf(content, path), path))
    }
    return known.get(id)?.config
  }
}
