import type { ContainerId, Digest, HostPath } from '../../base/brand.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, type JsonValue, readJsonFile } from '../json.ts'
import type { Store } from '../store.ts'

/** What stays the same over a container's life; what changes is its state. */
export interface ContainerRecord {
  readonly id: ContainerId
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  /** None for a container on a directory. */
  readonly image?: {
    readonly id: Digest
    /** As it was asked for, fully qualified. */
    readonly name: string
  }
  /** Diff ids, lowest first: they stay in the store as long as the container does. */
  readonly layers: readonly Digest[]
  /** The program and its arguments, as shown by `ps`. */
  readonly command: readonly string[]
  /** Volumes by name; they are in use as long as the container exists. */
  readonly volumes: readonly string[]
  /** Those of `volumes` that end with the container. */
  readonly anonymousVolumes: readonly string[]
  /** `--rm`: removed when it ends, by whoever finds it. */
  readonly autoRemove: boolean
  /** The request that made it; of the engine's making and reading. */
  readonly config: JsonValue
}

const ID = /^[0-9a-f]{64}$/

export function isContainerId(text: string): text is ContainerId {
  return ID.test(text)
}

/** The container's own directory: record, state, upper and work directories, and what the engine adds. */
export function containerDirectory(store: Store, id: ContainerId): HostPath {
  return hostPath(store.containers, id)
}

/** For sockets and the like; made by who needs it, removed with the container. */
export function containerRunDirectory(store: Store, id: ContainerId): HostPath {
  return hostPath(store.containerRuns, id)
}

export function recordPath(store: Store, id: ContainerId): HostPath {
  return hostPath(store.containers, id, 'container.json')
}

/** undefined where there is none (any more, or yet). */
export function readContainer(store: Store, id: ContainerId): ContainerRecord | undefined {
  const path = recordPath(store, id)
  const content = readJsonFile(path)
  return content === undefined ? undefined : parseRecord(fieldsOf(content, path), id)
}

function parseRecord(fields: Fields, id: ContainerId): ContainerRecord {
  const record = {
    id,
    name: fields.text('name'),
    created: fields.text('created'),
    layers: fields.digests('layers'),
    command: fields.texts('command'),
    volumes: fields.texts('volumes'),
    anonymousVolumes: fields.texts('anonymousVolumes'),
    autoRemove: fields.flag('autoRemove'),
    config: fields.json('config'),
  }
  if (!fields.has('image')) return record
  const image = fields.object('image')
  return { ...record, image: { id: image.digest('id'), name: image.text('name') } }
}
