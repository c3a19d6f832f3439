import { chmodSync, existsSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { HostPath } from '../base/brand.ts'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { writeJsonAtomic } from './atomic.ts'
import { hostPath } from './hostPath.ts'
import { fieldsOf, readJsonFile } from './json.ts'
import type { StorePaths } from './paths.ts'
import { explainSpace } from './space.ts'

/** The places of a store: every function of this room takes one. */
export interface Store {
  readonly dataRoot: HostPath
  readonly runRoot: HostPath
  /** Verified content by digest: `blobs/HEX`. */
  readonly blobs: HostPath
  /** Downloads that can be resumed, by the digest's hex digits. */
  readonly partial: HostPath
  /** `layers/SHORT/diff` and `layers/SHORT/layer.json`. */
  readonly layers: HostPath
  /** An empty directory: the lower one of a container without layers. */
  readonly empty: HostPath
  /** What running needs of each image, by the id's hex digits. */
  readonly images: HostPath
  /** The index: names and sizes of all images. */
  readonly imageIndex: HostPath
  readonly containers: HostPath
  /** `names/NAME` is a symbolic link to the container's id. */
  readonly names: HostPath
  readonly volumes: HostPath
  /** A locked file for each thing in the making: see beginWork(). */
  readonly pending: HostPath
  /** Where things in the making grow, on the filesystem of all the others. */
  readonly tmp: HostPath
  /** `RUNROOT/containers/ID`: sockets and the like of a container. */
  readonly containerRuns: HostPath
  /** Other users may read its images: see bryo(1) on `force_mask`. */
  readonly shared?: boolean
  /** Stores of images that are only read. */
  readonly additional?: readonly Store[]
}

const VERSION = 1
/** The file that makes a directory a store. */
export const STORE_MARKER = 'store.json'
const DIRECTORIES = {
  blobs: 'blobs/sha256',
  partial: 'partial',
  layers: 'layers',
  empty: 'empty',
  images: 'images',
  containers: 'containers',
  names: 'names',
  volumes: 'volumes',
  pending: 'pending',
  tmp: 'tmp',
} as const

/**
 * Opens the store and makes it where it is missing. A store is private: mode 0700, of this user.
 * @throws BryoError PERMISSION where somebody else owns it, STORAGE where the directory is something else
 */
export function openStore(paths: StorePaths): Store {
  const { dataRoot, runRoot, uid, shared: wanted = false } = paths
  const shared = explainPlace(dataRoot, DATA_HINT, () => {
    const found = directoryOf(dataRoot, uid)
    const marker = found && readMarker(dataRoot)
    if (marker && wanted && !marker.shared) throw notShared(dataRoot)
    const isShared = marker?.shared ?? wanted
    ensureMode(dataRoot, found, isShared ? 0o755 : 0o700)
    if (!marker) initialise(dataRoot, isShared)
    return isShared
  })
  explainPlace(runRoot, RUN_HINT, () => ensureMode(runRoot, directoryOf(runRoot, uid), 0o700))
  return shared ? { ...storeAt(paths), shared } : storeAt(paths)
}

function notShared(dataRoot: HostPath): BryoError {
  return new BryoError('STORAGE', `cannot share the store "${dataRoot}": it was made for its owner alone`, {
    hint: 'owners are kept in another way there: make a new store for others, with --root and --storage-opt force_mask=shared',
  })
}

const DATA_HINT = 'set HOME or XDG_DATA_HOME to a directory of yours, or name one with --root'
const RUN_HINT = 'set XDG_RUNTIME_DIR to a directory of yours, or name one with --runroot'

/** Where the user's variables or options name a place that cannot be used, that is no fault of bryo. */
function explainPlace<T>(directory: HostPath, hint: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) throw error
    const reason = messageOf(error).replace(/^E[A-Z]+: /, '')
    throw new BryoError('STORAGE', `cannot use "${directory}" as a store: ${reason}`, { hint, cause: error })
  }
}

/** The places of a store that was opened by another process. */
export function storeAt({ dataRoot, runRoot }: Pick<StorePaths, 'dataRoot' | 'runRoot'>): Store {
  const directories = Object.entries(DIRECTORIES).map(
    ([key, name]) => [key, hostPath(dataRoot, name)] as const,
  )
  return {
    dataRoot,
    runRoot,
    ...(Object.fromEntries(directories) as Record<keyof typeof DIRECTORIES, HostPath>),
    imageIndex: hostPath(dataRoot, 'images.json'),
    containerRuns: hostPath(runRoot, 'containers'),
  }
}

/** undefined where there is none. @throws BryoError PERMISSION, STORAGE */
function directoryOf(directory: HostPath, uid: number): Stats | undefined {
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found) checkOwner(directory, found, uid)
  return found
}

function ensureMode(directory: HostPath, found: Stats | undefined, mode: number): void {
  if (!found) makeDirectory(directory)
  if ((found ? found.mode & 0o777 : 0o700) !== mode) chmodSync(directory, mode)
}

function checkOwner(directory: HostPath, found: Stats, uid: number): void {
  if (!found.isDirectory()) {
    throw new BryoError('STORAGE', `cannot use "${directory}" as a store: not a directory`)
  }
  if (found.uid === uid) return
  throw new BryoError(
    'PERMISSION',
    `cannot use "${directory}" as a store: it belongs to uid ${found.uid}, expected ${uid}`,
    {
      hint: 'each user has a store of their own: leave out --root and --runroot, or name a directory of yours',
    },
  )
}

function makeDirectory(directory: HostPath): void {
  try {
    mkdirWithParents(directory)
  } catch (error) {
    throw explainSpace(error, directory)
  }
}

/** Node's own way to make the parents never ends where the kernel refuses with ENOENT, as on /proc. */
function mkdirWithParents(directory: string): void {
  try {
    mkdirIfMissing(directory)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    // Other processes may make the same at the same time.
    const parent = dirname(directory)
    if (!existsSync(parent)) mkdirWithParents(parent)
    mkdirIfMissing(directory)
  }
}

function mkdirIfMissing(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

export interface StoreMarker {
  /** Made for several users: only its owner writes it, all may read its images. */
  readonly shared: boolean
}

/** undefined where the directory is no store. @throws BryoError STORAGE for one of another version */
export function readMarker(dataRoot: HostPath): StoreMarker | undefined {
  const path = hostPath(dataRoot, STORE_MARKER)
  const content = readJsonFile(path)
  if (content === undefined) return undefined
  const fields = fieldsOf(content, path)
  const version = fields.number('version')
  if (version === VERSION) return { shared: fields.has('shared') && fields.flag('shared') }
  throw new BryoError(
    'STORAGE',
    `cannot use the store "${dataRoot}": format ${version}, expected ${VERSION}`,
    {
      hint: 'another version of bryo made it: use that one, or another directory with --root',
    },
  )
}

/** The marker comes last: a store that has it has everything. */
function initialise(dataRoot: HostPath, shared: boolean): void {
  const ours = new Set(Object.values(DIRECTORIES).map((name) => name.split('/')[0]))
  const foreign = readdirSync(dataRoot).filter(
    (name) => !ours.has(name) && name !== 'run' && !name.startsWith(STORE_MARKER),
  )
  if (foreign.length > 0) {
    // Another process has made the store meanwhile, and works with it.
    if (readMarker(dataRoot)?.shared === shared) return
    throw new BryoError(
      'STORAGE',
      `cannot use "${dataRoot}" as a store: it holds "${foreign[0]}", expected an empty directory`,
    )
  }
  for (const name of Object.values(DIRECTORIES)) makeDirectory(hostPath(dataRoot, name))
  // Part of what a container sees, whose root may not be this user.
  chmodSync(hostPath(dataRoot, DIRECTORIES.empty), 0o755)
  if (shared) for (const name of READ_BY_OTHERS) chmodSync(hostPath(dataRoot, name), 0o755)
  writeJsonAtomic(
    hostPath(dataRoot, STORE_MARKER),
    { version: VERSION, ...(shared && { shared }) },
    { durable: false, ...(shared && { mode: 0o644 }) },
  )
}

/** What of a shared store is more than its owner's. */
const READ_BY_OTHERS = ['blobs', DIRECTORIES.blobs, DIRECTORIES.layers, DIRECTORIES.images]

/** The mode of a file of images, as an option of writeJsonAtomic(). */
export function imageFileMode({ shared = false }: Store): { readonly mode?: number } {
  return shared ? { mode: 0o644 } : {}
}
