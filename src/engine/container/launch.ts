import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import type { ContainerId, HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { IdMaps } from '../../base/idmap.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { RootfsPlan } from '../../base/rootfs.ts'
import {
  type CapabilityPlan,
  capabilityNumber,
  hasCapability,
  planCapabilities,
} from '../../runtime/capabilities.ts'
import { planMounts } from '../../runtime/mountPlan.ts'
import type { LaunchPlan, UserRequest } from '../../runtime/plan.ts'
import { loadSeccompFilter } from '../../runtime/seccomp/load.ts'
import { type ContainerRecord, containerRunDirectory } from '../../storage/container/record.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { chooseDriver, requireFuseOverlay } from '../../storage/rootfs/driver.ts'
import { planRootfs, planRootfsDirectory } from '../../storage/rootfs/plan.ts'
import { FS_MAGIC, filesystemType } from '../../syscall/mount.ts'
import type { IdMapPlan } from '../../userns/plan.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { installedFile, VERSION } from '../installation.ts'
import { storageDriver } from './checkOptions.ts'
import { containerFilesDirectory, writeContainerFiles } from './files.ts'
import { findInitProgram } from './initProgram.ts'
import { type ContainerNetwork, prepareNetwork } from './network.ts'
import type { OutlinedFork } from './outline.ts'
import { overlayMounts } from './overlays.ts'
import {
  giveOverlays,
  givePipesToContainerRoot,
  giveToContainerRoot,
  letContainerRootPass,
  subordinateRoot,
} from './ownership.ts'
import type { ContainerRequest } from './request.ts'
import { buildSpec } from './spec.ts'
import type { StoredConfig } from './stored.ts'
import { timezoneFile } from './timezone.ts'
import { mountVolumes, plainMounts } from './volumes.ts'

export interface LaunchSubject {
  readonly record: ContainerRecord
  readonly directory: HostPath
  readonly config: StoredConfig
  readonly image: ImageConfig | undefined
}

/** What a caller decides for one start. */
export interface LaunchIo {
  /** Stdin reaches the workload. */
  readonly inheritStdin: boolean
  readonly initialWindow: LaunchPlan['initialWindow']
  readonly preservedFds: number
  /** SIGKILL where the container is to end with this process. */
  readonly parentDeathSignal: number
}

export interface PreparedLaunch extends Disposable {
  readonly plan: LaunchPlan
  readonly ids: IdMapPlan
  readonly network: ContainerNetwork
  /** What the user should know, a sentence each. */
  readonly warnings: readonly string[]
  /** To be called once the workload runs. */
  finish(): void
}

/** Everything of a start that can be decided before a process is made. @throws BryoError */
export async function prepareLaunch(
  engine: Engine,
  subject: LaunchSubject,
  fork: OutlinedFork,
  io: LaunchIo,
): Promise<PreparedLaunch> {
  const { record, directory, config, image } = subject
  const { request } = config
  const stack = new DisposableStack()
  try {
    const { ids, security } = fork.outline
    const { maps } = fork
    const hostname = request.hostname ?? (request.uts === 'host' ? '' : record.id.slice(0, 12))
    const network = prepareNetwork(engine, {
      record,
      hostname,
      plan: fork.outline.network,
      maps: ids.maps,
      joined: fork.joined !== undefined,
    })
    const volumes = stack.use(mountVolumes(engine, config.volumes))
    const capabilities = planBothCapabilities(request)
    const filesDirectory = containerFilesDirectory(engine, record.id)
    const files = writeContainerFiles(filesDirectory, {
      ...network.files,
      ...(request.uts === 'private' && { '/etc/hostname': `${hostname}\n` }),
      '/etc/localtime': timezoneFile(request.timezone),
    })
    const spec = buildSpec({
      request,
      image,
      hostname,
      maps,
      network: network.kind,
      cgroup2: filesystemType('/sys/fs/cgroup') === FS_MAGIC.cgroup2,
      hostHasQueues: request.ipc === 'host' && existsSync('/dev/mqueue'),
      files,
      userMounts: [...plainMounts(request), ...overlayMounts(engine, config, directory), ...volumes.mounts],
      initProgram: request.init ? findInitProgram(request.initPath) : undefined,
      security,
      capabilities: capabilities.root,
      sysctls: network.sysctls,
    })
    const seccomp = await loadSeccompFilter({
      choice: security.seccomp,
      defaultProfile: installedFile('share', 'seccomp.json'),
      version: VERSION,
      capabilities: capabilities.root.bounding,
      features: security.nestedUserns ? ['nested-userns'] : [],
      cacheDirectory: hostPath(engine.store.dataRoot, 'seccomp'),
    })
    const rootfs = planRoot(engine, subject, maps)
    const root = subordinateRoot(engine, maps)
    giveToContainerRoot(root, Object.values(files))
    const generated = ['passwd', 'group'].map((name) => hostPath(filesDirectory, name))
    // Init writes them as the caller, who has no right to those of a former start.
    if (root) for (const path of generated) rmSync(path, { force: true })
    const runDirectory = containerRunDirectory(engine.store, record.id)
    giveRootfs(engine, rootfs, { directories: [directory, runDirectory], maps })
    giveOverlays(root, hostPath(directory, 'overlays'))
    givePipesToContainerRoot(root, io.inheritStdin ? [0, 1, 2] : [1, 2])
    const plan: LaunchPlan = {
      spec,
      maps,
      rootfs,
      asHostRoot: root !== undefined,
      mountPoint: makeMountPoint(engine, record.id),
      mounts: planMounts(spec),
      user: planUser(engine, request, image, ids),
      capabilities,
      seccomp,
      inheritStdin: io.inheritStdin,
      initialWindow: io.initialWindow,
      preservedFds: io.preservedFds,
      requireWorkingDirectory: request.workdir !== undefined,
      nestedUserNamespaces: security.nestedUserns,
      bringUpLoopback: network.bringUpLoopback,
      parentDeathSignal: io.parentDeathSignal,
      filesDirectory,
    }
    const owned = stack.move()
    const warnings = [
      ...(ids.warning ? [ids.warning.message] : []),
      ...network.warnings,
      ...loopbackWarning(fork, capabilities.root),
    ]
    return {
      plan,
      ids,
      network,
      warnings,
      finish: () => {
        volumes.finish()
        giveToContainerRoot(
          root,
          generated.filter((path) => existsSync(path)),
        )
      },
      [Symbol.dispose]: () => owned.dispose(),
    }
  } catch (error) {
    stack.dispose()
    throw error
  }
}

/**
 * Who may set routes, or send packets as they are, reaches addresses that slirp4netns refuses only by its own routes.
 * @see slirp4netns(1) --disable-host-loopback
 */
function loopbackWarning({ outline }: OutlinedFork, capabilities: CapabilityPlan): readonly string[] {
  const { helper } = outline.network
  if (helper.kind !== 'slirp4netns' || helper.options.allowHostLoopback) return []
  const powerful = ['CAP_NET_ADMIN', 'CAP_NET_RAW'].filter((name) =>
    hasCapability(capabilities.bounding, capabilityNumber(name) ?? 0),
  )
  if (powerful.length === 0) return []
  return [
    `with ${powerful.join(' and ')} the container can reach the host's loopback addresses through slirp4netns`,
  ]
}

/** fuse-overlayfs keeps files as layers have them, whatever the container's maps are, and may run in the maps of the layers. */
function giveRootfs(
  engine: Engine,
  rootfs: RootfsPlan,
  { directories, maps }: { readonly directories: readonly HostPath[]; readonly maps: IdMaps },
): void {
  if (rootfs.kind === 'directory') return
  const isFuse = rootfs.kind === 'fuse-overlayfs'
  const owner = subordinateRoot(engine, isFuse ? defaultMaps(engine) : maps)
  giveToContainerRoot(owner, [rootfs.upper, rootfs.work])
  letContainerRootPass(subordinateRoot(engine, (isFuse && rootfs.serverMaps) || maps), directories)
}

function planBothCapabilities(request: ContainerRequest): LaunchPlan['capabilities'] {
  const common = { add: request.capAdd, drop: request.capDrop, privileged: request.privileged }
  return {
    root: planCapabilities({ ...common, isRoot: true }),
    other: planCapabilities({ ...common, isRoot: false }),
  }
}

function makeMountPoint({ store }: Engine, id: ContainerId): HostPath {
  const path = hostPath(containerRunDirectory(store, id), 'root')
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}

function planRoot(engine: Engine, { record, directory, config }: LaunchSubject, maps: IdMaps): RootfsPlan {
  const searchPath = engine.facts.env.PATH ?? ''
  const driver = {
    driver:
      engine.facts.uid === 0
        ? rootDriver(engine)
        : chooseDriver({
            store: engine.store,
            requested: storageDriver(engine),
            runInUserns: engine.runInUserns,
            searchPath,
          }),
    fuseProgram: () => requireFuseOverlay(searchPath),
    maps,
    defaultMaps: defaultMaps(engine),
    ephemeral: record.autoRemove,
  }
  const { rootfs } = config.request
  if (!rootfs)
    return planRootfs({
      ...driver,
      store: engine.store,
      layers: record.layers,
      containerDirectory: directory,
    })
  const path = hostPath(rootfs.path)
  checkRootOwner(engine, path, maps)
  return planRootfsDirectory({
    ...driver,
    path,
    overlay: rootfs.overlay,
    containerDirectory: directory,
  })
}

/** Root's containers have subordinate ids, whose root could not even make its mount points in a tree of somebody else's. */
function checkRootOwner(engine: Engine, path: HostPath, maps: IdMaps): void {
  const root = subordinateRoot(engine, maps)
  const found = root && statSync(path, { throwIfNoEntry: false })
  if (!root || !found || found.uid === root.uid) return
  throw new BryoError(
    'PERMISSION',
    `cannot use "${path}" as root: it belongs to uid ${found.uid}, expected ${root.uid}, which is the container's root`,
    { hint: 'make an image of it with bryo import, or run bryo as the user whose files they are' },
  )
}

/** The kernel's overlay works for any root that can start containers at all: no probe is needed. */
function rootDriver(engine: Engine): 'overlay' | 'fuse-overlayfs' {
  return storageDriver(engine) === 'fuse-overlayfs' ? 'fuse-overlayfs' : 'overlay'
}

function planUser(
  engine: Engine,
  request: ContainerRequest,
  image: ImageConfig | undefined,
  ids: IdMapPlan,
): UserRequest {
  const caller = ids.user && `${ids.user.uid}:${ids.user.gid}`
  const text = request.user ?? caller ?? image?.user ?? ''
  const keepGroups = request.groupAdd.includes('keep-groups')
  if (keepGroups && engine.facts.uid === 0) {
    throw new BryoError(
      'USAGE',
      'cannot keep the groups of root in a container: they have rights on this host, expected an unprivileged user',
      { hint: 'leave out --group-add keep-groups' },
    )
  }
  if (keepGroups && request.groupAdd.length > 1) {
    throw new BryoError(
      'USAGE',
      "the '--group-add keep-groups' option is not allowed with any other --group-add options",
    )
  }
  const own =
    ids.user && request.passwd
      ? { name: engine.identity().userName, ...ids.user, home: request.workdir ?? '/', shell: '/bin/sh' }
      : undefined
  return {
    text,
    groups: keepGroups ? [] : request.groupAdd,
    keepGroups,
    addEntries: request.passwd,
    passwdEntry: own,
  }
}
