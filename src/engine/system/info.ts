import { statfsSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { VERSION } from '../../base/version.ts'
import { readImages } from '../../storage/image/images.ts'
import { chooseDriver, findFuseOverlay } from '../../storage/rootfs/driver.ts'
import { listContainers } from '../container/list.ts'
import type { Engine } from '../engine.ts'
import { architecture, hostInfo, runtimeVersion } from './hostInfo.ts'

type Document = Readonly<Record<string, unknown>>

/** All about the host, the store and bryo, by the names that templates of Podman's use. */
export interface SystemInfo {
  readonly Host: Document
  readonly Store: Document
  readonly Registries: Document
  readonly Plugins: Document
  readonly Version: Document
}

export function systemInfo(engine: Engine): SystemInfo {
  return {
    Host: hostInfo(engine),
    Store: storeInfo(engine),
    Registries: {},
    Plugins: {
      Authorization: null,
      Log: ['k8s-file', 'json-file', 'journald', 'none', 'passthrough'],
      Network: ['slirp4netns', 'pasta'],
      Volume: ['local'],
    },
    Version: versionInfo(),
  }
}

/** As Podman's client tells of itself. */
function versionInfo(): Document {
  return {
    APIVersion: VERSION,
    Version: VERSION,
    GoVersion: '',
    Runtime: runtimeVersion(),
    GitCommit: '',
    BuiltTime: '',
    Built: 0,
    OsArch: `linux/${architecture()}`,
    Os: 'linux',
    Arch: architecture(),
  }
}

function storeInfo(engine: Engine): Document {
  const { store, facts } = engine
  const states = listContainers(engine).map(({ state }) => state.status)
  const count = (...wanted: readonly string[]) => states.filter((status) => wanted.includes(status)).length
  const { bsize, blocks, bavail, bfree } = statfsSync(store.dataRoot)
  return {
    ConfigFile: '',
    ContainerStore: {
      Number: states.length,
      Paused: count('paused'),
      Running: count('running', 'stopping'),
      Stopped: count('created', 'initialized', 'exited'),
    },
    GraphDriverName: 'overlay',
    GraphOptions: graphOptions(engine),
    GraphRoot: store.dataRoot,
    GraphRootAllocated: blocks * bsize,
    GraphRootUsed: (blocks - bfree) * bsize,
    GraphRootFree: bavail * bsize,
    GraphStatus: { 'Native Overlay Diff': String(nativeDriver(engine) === 'overlay') },
    ImageCopyTmpDir: facts.env.TMPDIR ?? '/var/tmp',
    ImageStore: { Number: readImages(store).length },
    RunRoot: store.runRoot,
    TransientStore: false,
    VolumePath: store.volumes,
  }
}

/** With fuse-overlayfs, Podman's way to say so. */
function graphOptions(engine: Engine): Document {
  if (nativeDriver(engine) !== 'fuse-overlayfs') return {}
  const fuse = findFuseOverlay(engine.facts.env.PATH ?? '')
  return fuse.found ? { 'overlay.mount_program': { Executable: fuse.program } } : {}
}

/** undefined where none works; doctor says why. */
function nativeDriver({ store, options, runInUserns, facts }: Engine): string | undefined {
  const { storageDriver = 'auto' } = options
  if (storageDriver !== 'auto') return storageDriver
  try {
    return chooseDriver({ store, requested: 'auto', runInUserns, searchPath: facts.env.PATH ?? '' })
  } catch (error) {
    if (error instanceof BryoError) return undefined
    throw error
  }
}
