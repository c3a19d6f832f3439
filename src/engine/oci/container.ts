import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BryoError, isErrno } from '../../base/errors.ts'
import { isFrozen } from '../../cgroup/group.ts'
import {
  absolutePath,
  integer,
  member,
  nonEmpty,
  optional,
  parseJson,
  text,
  textRecord,
} from '../../runtime/oci/config/node.ts'
import type { OciIdentity, OciStatus } from '../../runtime/oci/state.ts'
import { writeFileAtomic, writeJsonAtomic } from '../../storage/atomic.ts'
import { flock, type OwnedFd, ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { bootId, processStartTime } from '../../syscall/proc.ts'
import { connectUnixMessages } from '../../syscall/socket.ts'

/** A container as its state file has it. */
export interface OciRecord extends OciIdentity {
  /** Its directory below the state root. */
  readonly directory: string
  /** Absolute. */
  readonly rootfs: string
  /** Of its first process; undefined until that waits for its start. */
  readonly process: { readonly pid: number; readonly startTime: string; readonly bootId: string } | undefined
  /** Directory of its control group; undefined where it has none of its own. */
  readonly cgroup: string | undefined
  /** RFC 3339. */
  readonly created: string
  readonly owner: number
}

const STATE_FILE = 'state.json'
const CONFIG_FILE = 'config.json'
const LOCK_FILE = 'lock'
const START_SOCKET = 'start.sock'
/** An empty directory, for mounts on their way. */
export const STAGING = 'staging'

/** Names a directory, so neither `.`, `..` nor what this program keeps beside the containers. */
export function checkContainerId(id: string): string {
  if (/^[A-Za-z0-9_+][A-Za-z0-9_+.-]*$/.test(id) && id.length <= 255) return id
  throw new BryoError(
    'USAGE',
    `invalid container id "${id.slice(0, 64)}", expected letters, digits and any of _ + . - (the last two not at the start)`,
  )
}

/**
 * Before anything is asked of the host: a second container of an id would fail with its control group, too.
 * @throws BryoError NAME_IN_USE
 */
export function checkIdUnused(root: string, id: string): void {
  if (existsSync(join(root, checkContainerId(id)))) throw idInUse(id)
}

function idInUse(id: string, cause?: unknown): BryoError {
  const message = `cannot create container "${id}": container with given ID already exists`
  return new BryoError('NAME_IN_USE', message, { cause })
}

/** A container in the making; the lock goes with this process. */
export interface ClaimedContainer {
  readonly directory: string
  readonly lock: OwnedFd
}

/** @throws BryoError NAME_IN_USE */
export function claimContainer(root: string, id: string): ClaimedContainer {
  const directory = join(root, checkContainerId(id))
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    throw idInUse(id, error)
  }
  const lock = ownFd(openSync(join(directory, LOCK_FILE), O.rdwr | O.creat | O.cloexec, 0o600))
  flock(lock.fd, 'exclusive', { wait: false })
  mkdirSync(join(directory, STAGING), { mode: 0o700 })
  return { directory, lock }
}

/** Undefined while it is being created, by another process that lives. */
export function lockContainer({ directory }: Pick<OciRecord, 'directory'>): OwnedFd | undefined {
  const lock = ownFd(openSync(join(directory, LOCK_FILE), O.rdwr | O.creat | O.cloexec, 0o600))
  if (flock(lock.fd, 'exclusive', { wait: false })) return lock
  lock.close()
  return undefined
}

export function writeRecord(record: OciRecord, status: OciStatus): void {
  const { directory, process, ...rest } = record
  const pid = process?.pid ?? 0
  writeJsonAtomic(join(directory, STATE_FILE), { ...rest, status, pid, process }, { durable: false })
}

/** The configuration as it was at the creation: what happens to the bundle's own later does not count. */
export function writeConfigCopy(directory: string, content: string): void {
  writeFileAtomic(join(directory, CONFIG_FILE), content, { durable: false })
}

export function readConfigCopy({ directory }: OciRecord): string {
  return readFileSync(join(directory, CONFIG_FILE), 'utf8')
}

/** @throws BryoError NOT_FOUND */
export function findContainer(root: string, id: string): OciRecord {
  const found = readRecord(root, checkContainerId(id))
  if (found) return found
  throw new BryoError('NOT_FOUND', `container "${id}" does not exist`)
}

/** Undefined where there is no such container; one whose creation was killed at once has hardly anything in its record. */
export function readRecord(root: string, id: string): OciRecord | undefined {
  const found = readOnce(root, id)
  if (!found || found.process) return found
  // Its creator may have finished since: without the lock that it held, what is written now is the last word.
  return isUnlocked(found) ? readOnce(root, id) : found
}

/** Also where it was deleted meanwhile. */
function isUnlocked(record: OciRecord): boolean {
  try {
    const lock = lockContainer(record)
    lock?.close()
    return lock !== undefined
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
    return true
  }
}

function readOnce(root: string, id: string): OciRecord | undefined {
  const directory = join(root, id)
  const path = join(directory, STATE_FILE)
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
    return exists(directory) ? emptyRecord(directory, id) : undefined
  }
  return parseRecord(content, path, directory)
}

function exists(directory: string): boolean {
  try {
    readdirSync(directory)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

function emptyRecord(directory: string, id: string): OciRecord {
  const nothing = { ociVersion: '1.0.0', bundle: '', annotations: {}, rootfs: '', created: '', owner: 0 }
  return { ...nothing, id, directory, cgroup: undefined, process: undefined }
}

const MAX_PID = 2 ** 31

function parseRecord(content: string, path: string, directory: string): OciRecord {
  const node = parseJson(content, path)
  const process = member(node, 'process')
  return {
    directory,
    id: nonEmpty(member(node, 'id')),
    ociVersion: nonEmpty(member(node, 'ociVersion')),
    bundle: text(member(node, 'bundle')),
    annotations: textRecord(node, 'annotations'),
    rootfs: text(member(node, 'rootfs')),
    cgroup: optional(node, 'cgroup', absolutePath),
    created: text(member(node, 'created')),
    owner: integer(member(node, 'owner'), 0, 2 ** 32),
    process:
      process.value === undefined
        ? undefined
        : {
            pid: integer(member(process, 'pid'), 1, MAX_PID),
            startTime: nonEmpty(member(process, 'startTime')),
            bootId: nonEmpty(member(process, 'bootId')),
          },
  }
}

/** All containers of the state root, by their ids. */
export function listRecords(root: string): readonly OciRecord[] {
  return readdirSync(root)
    .filter((name) => !name.startsWith('.'))
    .sort()
    .flatMap((id) => readRecord(root, id) ?? [])
}

/** The stage of its life that a container is in now. */
export function statusOf(record: OciRecord): OciStatus {
  if (record.process === undefined) {
    const lock = lockContainer(record)
    lock?.close()
    return lock ? 'stopped' : 'creating'
  }
  if (!isAlive(record)) return 'stopped'
  const connection = connectToWaiting(record)
  if (connection === undefined) return isAlive(record) ? runningStatus(record) : 'stopped'
  closeSync(connection)
  return 'created'
}

function runningStatus({ cgroup }: OciRecord): OciStatus {
  return cgroup !== undefined && isFrozen(cgroup) ? 'paused' : 'running'
}

/** Whether exactly its first process still runs. */
export function isAlive({ process }: OciRecord): boolean {
  return (
    process !== undefined &&
    processStartTime(process.pid) === process.startTime &&
    bootId() === process.bootId
  )
}

/** A connection to a first process that waits for its start; undefined where it does not, or no longer. */
export function connectToWaiting({ directory }: OciRecord): number | undefined {
  using place = ownFd(openSync(directory, O.path | O.directory | O.cloexec))
  try {
    return connectUnixMessages(socketPath(place.fd))
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ECONNREFUSED')) return undefined
    throw error
  }
}

/** By descriptor: the path of a socket has room for 107 bytes only. */
export function socketPath(directoryFd: number): string {
  return `/proc/self/fd/${directoryFd}/${START_SOCKET}`
}

/** The first process has gone on: the socket means nothing any more. */
export function removeSocket({ directory }: OciRecord): void {
  rmSync(join(directory, START_SOCKET), { force: true })
}

export function removeContainerDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}
