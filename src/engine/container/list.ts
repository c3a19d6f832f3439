import type { PortMapping } from '../../base/port.ts'
import { formatMapping, parsePublish } from '../../netns/publish.ts'
import { readContainers } from '../../storage/container/find.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { type ContainerState, effectiveState } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { treeUsage } from '../../storage/tree/usage.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { storedConfig } from './stored.ts'

/** One container as lists show it. */
export interface ListedContainer {
  readonly record: ContainerRecord
  readonly state: ContainerState
  readonly request: ContainerRequest
  /** `0.0.0.0:8080->80/tcp`. */
  readonly ports: readonly string[]
}

/** All containers with their states, oldest first. */
export function listContainers({ store }: Engine): readonly ListedContainer[] {
  return readContainers(store).map((record) => {
    const { request } = storedConfig(record)
    const state = effectiveState(store, record.id)
    return { record, state, request, ports: publishedPorts(request, state).map(formatMapping) }
  })
}

/** The ports as they are while it runs, else as they were asked for: with a host port of 0 where any will do. */
export function publishedPorts(request: ContainerRequest, state: ContainerState): readonly PortMapping[] {
  const chosen = 'ports' in state ? state.ports : undefined
  return chosen ?? request.publish.flatMap(parsePublish)
}

/** Bytes that a container wrote to its root. */
export function writtenBytes({ store }: Engine, { id }: ContainerRecord): number {
  return treeUsage(hostPath(containerDirectory(store, id), 'upper')).bytes
}
