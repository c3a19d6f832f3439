import { chownSync, readdirSync, renameSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { HostIds } from '../../base/hostIds.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { checkName, isContainerName } from '../container/names.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile, textRecord } from '../json.ts'
import { acquireLock, type Lock } from '../lock.ts'
import { ensureDirectory, makeDirectory } from '../makeDirectory.ts'
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
  /** Only `local` so far. */
  readonly driver: string
  /** Of the driver, as they were given: `type`, `device`, `o`. */
  readonly options: Readonly<Record<string, string>>
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
  /** `local` by default. */
  readonly driver?: string
  readonly options?: Readonly<Record<string, string>>
  readonly anonymous?: boolean
  /** False for a volume that is to stay empty (`nocopy`). */
  readonly needsCopyUp?: boolean
  /** Of its content; the caller by default. */
  readonly owner?: HostIds | undefined
  /** Gets the directory of the content before anybody sees the volume. */
  readonly prepare?: ((content: HostPath) => void) | undefined
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
  return makeVolume(store, request) ?? requireVolume(store, request.name)
}

/**
 * Makes a volume.
 * @returns undefined where there is one of the name
 * @throws BryoError USAGE for an invalid name, NO_SPACE
 */
export function makeVolume(store: Store, request: VolumeRequest): Volume | undefined {
  checkName('volume', request.name)
  if (readVolume(store, request.name)) return undefined
  using work = beginWork(store, workName('volume', request.name))
  try {
    if (readVolume(store, request.name)) return undefined
    setAsideLeftover(store, work)
    makeDirectory(work.path, 0o700)
    makeData(hostPath(work.path, '_data'), request)
    writeFile(work.path, recordOf(request))
    renameSync(work.path, volumeDirectory(store, request.name))
  } catch (error) {
    removeTree(work.path)
    throw error
  } finally {
    work.finish()
  }
  return readVolume(store, request.name)
}

function makeData(path: HostPath, { owner, prepare }: VolumeRequest): void {
  makeDirectory(path, 0o755)
  if (owner) chownSync(path, owner.uid, owner.gid)
  prepare?.(path)
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

/**
 * A volume by name, or by a beginning of its name that no other has.
 * @throws BryoError NOT_FOUND, AMBIGUOUS
 */
export function findVolume(store: Store, nameOrPrefix: string): Volume {
  const exact = readVolume(store, nameOrPrefix)
  if (exact) return exact
  const fitting = isContainerName(nameOrPrefix)
    ? readVolumes(store).filter(({ name }) => name.startsWith(nameOrPrefix))
    : []
  const [first, second] = fitting
  if (!first) return requireVolume(store, nameOrPrefix)
  if (!second) return first
  throw new BryoError(
    'AMBIGUOUS',
    `cannot find volume "${nameOrPrefix}": ${fitting.length} names start with it (${first.name}, ${second.name}), expected one`,
  )
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
  const volume = requireVolume(store, name)
  writeFile(volumeDirectory(store, name), recordOf({ ...volume, needsCopyUp: false }))
}

/** Gives a volume whose record is lost a new one: its content is what counts. */
export function adoptVolume(store: Store, name: string, created: string): void {
  const directory = volumeDirectory(store, name)
  ensureDirectory(hostPath(directory, '_data'), 0o755)
  writeFile(directory, recordOf({ name, created, needsCopyUp: false }))
}

export function volumeDirectory(store: Store, name: string): HostPath {
  return hostPath(store.volumes, name)
}

function recordOf(request: VolumeRequest) {
  const {
    created,
    labels = {},
    driver = 'local',
    options = {},
    anonymous = false,
    needsCopyUp = true,
  } = request
  return { created, labels, driver, options, anonymous, needsCopyUp }
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
    driver: fields.has('driver') ? fields.text('driver') : 'local',
    options: fields.has('options') ? textRecord(fields.json('options'), path) : {},
    anonymous: fields.flag('anonymous'),
    needsCopyUp: fields.flag('needsCopyUp'),
  }
}
