import { chownSync, readdirSync, renameSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { HostIds } from '../../base/hostIds.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { checkName, isContainerName } from '../container/names.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile, textRecord } from '../json.ts'
import { acquireLock, type Lock } from '../lock.ts'
import { makeDirectory } from '../makeDirectory.ts'
import { randomHex } from '../randomHex.ts'
import type { Store } from '../store.ts'
import { removeTree } from '../tree/remove.ts'
import { beginWork, setAsideLeftover, workName } from '../work.ts'

export interface Volume {
  readonly name: string
  /** Its content: what is mounted. */
  readonly path: HostPath
  /** RFC 3339. */
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
  /** Made for one container, without a name. */
  readonly anonymous: boolean
  /** New: the first container that mounts it copies what its image has there. See {@link lockVolume}. */
  readonly needsCopyUp: boolean
}

export interface VolumeRequest {
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  readonly labels?: Readonly<Record<string, string>>
  readonly anonymous?: boolean
  /** False for a volume that is to stay empty (`nocopy`). */
  readonly needsCopyUp?: boolean
  /** Of its content; the caller by default. */
  readonly owner?: HostIds | undefined
}

/** 64 hex digits: the name of a volume that was given none. */
export function anonymousVolumeName(): string {
  return randomHex(32)
}

/**
 * The volume of that name, made where there is none. A container's record must name the volume first: from then on
 * nobody removes it.
 * @throws BryoError USAGE for an invalid name, NO_SPACE
 */
export function ensureVolume(store: Store, request: VolumeRequest): Volume {
  checkName('volume', request.name)
  const found = readVolume(store, request.name)
  if (found) return found
  using work = beginWork(store, workName('volume', request.name))
  try {
    const existing = readVolume(store, request.name)
    if (existing) return existing
    setAsideLeftover(store, work)
    makeDirectory(work.path, 0o700)
    makeData(hostPath(work.path, '_data'), request.owner)
    writeFile(work.path, recordOf(request))
    renameSync(work.path, volumeDirectory(store, request.name))
  } catch (error) {
    removeTree(work.path)
    throw error
  } finally {
    work.finish()
  }
  return requireVolume(store, request.name)
}

function makeData(path: HostPath, owner: HostIds | undefined): void {
  makeDirectory(path, 0o755)
  if (owner) chownSync(path, owner.uid, owner.gid)
}

/** undefined where there is none. */
export function readVolume(store: Store, name: string): Volume | undefined {
  if (!isContainerName(name)) return undefined
  const directory = volumeDirectory(store, name)
  const path = hostPath(directory, 'volume.json')
  const content = readJsonFile(path)
  return content === undefined ? undefined : parseVolume(fieldsOf(content, path), { name, directory, path })
}

/** @throws BryoError NOT_FOUND */
export function requireVolume(store: Store, name: string): Volume {
  const volume = readVolume(store, name)
  if (!volume) throw new BryoError('NOT_FOUND', `no volume with name "${name}" found: no such volume`)
  return volume
}

/** All volumes by name. */
export function readVolumes(store: Store): readonly Volume[] {
  return readdirSync(store.volumes)
    .sort()
    .flatMap((name) => readVolume(store, name) ?? [])
}

/**
 * Held around the copy into a new volume, so that two containers that start at once copy once: lock, read the volume again,
 * copy where it still needs it, then {@link finishCopyUp}.
 * @throws BryoError NOT_FOUND
 */
export function lockVolume(store: Store, name: string): Lock {
  requireVolume(store, name)
  return acquireLock(hostPath(volumeDirectory(store, name), 'lock'), { mode: 'exclusive', wait: true })
}

/** The volume has its content; the caller holds {@link lockVolume}. */
export function finishCopyUp(store: Store, name: string): void {
  const { created, labels, anonymous } = requireVolume(store, name)
  writeFile(volumeDirectory(store, name), recordOf({ name, created, labels, anonymous, needsCopyUp: false }))
}

export function volumeDirectory(store: Store, name: string): HostPath {
  return hostPath(store.volumes, name)
}

function recordOf(request: VolumeRequest) {
  const { created, labels = {}, anonymous = false, needsCopyUp = true } = request
  return { created, labels, anonymous, needsCopyUp }
}

function writeFile(directory: HostPath, record: ReturnType<typeof recordOf>): void {
  writeJsonAtomic(hostPath(directory, 'volume.json'), record, { durable: false })
}

interface VolumePlace {
  readonly name: string
  readonly directory: HostPath
  readonly path: HostPath
}

function parseVolume(fields: Fields, { name, directory, path }: VolumePlace): Volume {
  return {
    name,
    path: hostPath(directory, '_data'),
    created: fields.text('created'),
    labels: textRecord(fields.json('labels'), path),
    anonymous: fields.flag('anonymous'),
    needsCopyUp: fields.flag('needsCopyUp'),
  }
}
