import { existsSync } from 'node:fs'
import type { ContainerId, HostPath } from '../../base/brand.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { RootfsPlan } from '../../base/rootfs.ts'
import { type CapabilityPlan, capabilityNumber, hasCapability } from '../../runtime/capabilities.ts'
import { type MountStep, planMounts } from '../../runtime/mountPlan.ts'
import type { LaunchPlan } from '../../runtime/plan.ts'
import { scopesOf } from '../../runtime/scopes.ts'
import type { Spec, SpecMount } from '../../runtime/spec.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { canScope } from '../../syscall/landlock.ts'
import { FS_MAGIC, filesystemType } from '../../syscall/mount.ts'
import type { Engine } from '../engine.ts'
import { containerCapabilities } from './capabilities.ts'
import { planConfinement } from './confinement.ts'
import { containerFilesDirectory, writeContainerFiles } from './files.ts'
import { hostnameOf } from './hostname.ts'
import { findInitProgram } from './initProgram.ts'
import type { JoinedNamespaces } from './joinedNamespaces.ts'
import { type ContainerNetwork, prepareNetwork } from './network.ts'
import type { Notification } from './notify.ts'
import { type ContainerOutline, type OutlinedFork, processLimitOf } from './outline.ts'
import { overlayMounts } from './overlays.ts'
import { giveToContainerRoot, subordinateRoot } from './ownership.ts'
import type { PreparedResources } from './resourcesPlan.ts'
import { prepareRootfs } from './rootfs.ts'
import { containerSeccomp } from './seccomp.ts'
import { planSecrets } from './secrets.ts'
import { buildSpec } from './spec.ts'
import type { StoredConfig } from './stored.ts'
import { isCgroupWritable, systemdEnvironment } from './systemd.ts'
import { timezoneFile } from './timezone.ts'
import { planUser } from './user.ts'
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
  readonly preservedFds: readonly number[]
  /** The workload waits for somebody's word. */
  readonly held: boolean
  /** SIGKILL where the container is to end with this process. */
  readonly parentDeathSignal: number
  readonly notification: Pick<Notification, 'mounts' | 'env'> | undefined
}

export interface PreparedLaunch extends Disposable {
  readonly plan: LaunchPlan
  readonly network: ContainerNetwork
  /** undefined where there is nothing to be set. */
  readonly resources: PreparedResources | undefined
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
  const { record, config } = subject
  const { ids, security } = fork.outline
  using stack = new DisposableStack()
  const capabilities = containerCapabilities(config.request)
  const hostname = hostnameOf(engine, record, config.request)
  const network = prepareNetwork(engine, {
    record,
    hostname,
    plan: fork.outline.network,
    maps: fork.maps,
    hostPids: config.request.pid === 'host',
  })
  const volumes = stack.use(mountVolumes(engine, config.volumes))
  const secrets = planSecrets(engine, config.request)
  const spec = planSpec(engine, subject, {
    fork,
    hostname,
    network,
    capabilities: capabilities.root,
    volumes: [...volumes.mounts, ...(io.notification?.mounts ?? [])],
    secretEnv: [
      ...systemdEnvironment(config.request, record.id),
      ...secrets.env,
      ...(io.notification?.env ?? []),
    ],
  })
  const seccomp = await containerSeccomp(engine, security, capabilities.root)
  const place = prepareRootfs(engine, subject, { maps: fork.maps, inheritStdin: io.inheritStdin })
  const resources = await planResources(engine, record.id, fork, io)
  const owned = stack.move()
  return {
    network,
    resources,
    warnings: [...launchWarnings(fork, network, capabilities.root), ...(resources?.warnings ?? [])],
    plan: {
      ...io,
      spec,
      maps: fork.maps,
      rootfs: servedApart(labelRootfs(place.rootfs, spec.linux.mountLabel), fork),
      asHostRoot: place.asHostRoot,
      mountPoint: place.mountPoint,
      filesDirectory: place.filesDirectory,
      mounts: planMounts(spec, spec.linux.mountLabel).map((step) => inheritShared(step, fork.joined)),
      secrets: secrets.files,
      user: planUser(engine, config.request, subject.image, ids),
      capabilities,
      seccomp,
      requireWorkingDirectory: config.request.workdir !== undefined,
      // The limit of another's user namespace is not this container's to lower.
      nestedUserNamespaces: security.nestedUserns || fork.joined.sharesIds,
      newCgroupNamespace: fork.grouped && config.request.cgroupns === 'private',
      scopes: security.landlock
        ? scopesOf({ network: network.kind === 'host', pid: sharesPids(spec) })
        : undefined,
      bringUpLoopback: network.bringUpLoopback,
      personality: config.request.personality,
    },
    finish: () => {
      volumes.finish()
      place.finish()
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}

async function planResources(
  engine: Engine,
  id: ContainerId,
  { outline, grouped }: OutlinedFork,
  { notification }: LaunchIo,
): Promise<PreparedResources | undefined> {
  const { request, image } = outline
  if (!grouped && request.oomScoreAdj === undefined) return undefined
  const { prepareResources } = await import('./resourcesPlan.ts')
  return prepareResources(engine, {
    id,
    request,
    image,
    grouped,
    processLimit: processLimitOf(request),
    isService: notification !== undefined,
  })
}

function labelRootfs(rootfs: RootfsPlan, label: string | undefined): RootfsPlan {
  return rootfs.kind === 'overlay' && label !== undefined ? { ...rootfs, label } : rootfs
}

/** Where a container with its ids sees the host's processes, what serves its root has the same ids in another user namespace. */
function servedApart(rootfs: RootfsPlan, { outline, joined, maps }: OutlinedFork): RootfsPlan {
  const isSeen = outline.request.pid === 'host' || joined.othersSeeHost
  if (rootfs.kind !== 'fuse-overlayfs' || !isSeen) return rootfs
  return { serverMaps: maps, ...rootfs }
}

/** A mount of another container's cannot be copied from here: that has been done. */
function inheritShared(step: MountStep, { sharedMemory }: JoinedNamespaces): MountStep {
  const { source } = step
  if (!sharedMemory || source.kind !== 'bind' || source.path !== sharedMemory.path) return step
  return { ...step, source: { kind: 'inherited', fd: sharedMemory.fd } }
}

function sharesPids({ linux }: Spec): boolean {
  return !linux.namespaces.some(({ type }) => type === 'pid')
}

interface SpecParts {
  readonly fork: OutlinedFork
  readonly hostname: string
  readonly network: ContainerNetwork
  readonly capabilities: CapabilityPlan
  readonly volumes: readonly SpecMount[]
  readonly secretEnv: readonly string[]
}

/** Writes the container's files, and builds the spec that mounts them. */
function planSpec(engine: Engine, subject: LaunchSubject, parts: SpecParts): Spec {
  const { record, directory, config, image } = subject
  const { request } = config
  const { fork, hostname, network, capabilities, volumes, secretEnv } = parts
  const files = writeContainerFiles(containerFilesDirectory(engine, record.id), {
    ...network.files,
    ...(hostname !== '' && !request.noHostname && { '/etc/hostname': `${hostname}\n` }),
    '/etc/localtime': timezoneFile(request.timezone),
  })
  giveToContainerRoot(subordinateRoot(engine, fork.maps), Object.values(files))
  return buildSpec({
    request,
    image,
    secretEnv,
    hostname,
    maps: fork.maps,
    network: network.kind,
    joins: fork.joined.joins,
    sharedMemory: fork.joined.sharedMemory?.path,
    cgroup2: filesystemType('/sys/fs/cgroup') === FS_MAGIC.cgroup2,
    cgroupWritable: fork.grouped && isCgroupWritable(request),
    hostHasQueues: request.ipc === 'host' && existsSync('/dev/mqueue'),
    files,
    userMounts: [...plainMounts(request), ...overlayMounts(engine, config, directory), ...volumes],
    initProgram: request.init ? findInitProgram(request.initPath) : undefined,
    security: fork.outline.security,
    confinement: planConfinement(fork.outline.security, record.id),
    capabilities,
    sysctls: network.sysctls,
  })
}

const NO_GROUP =
  'systemd may not start in this container: it has no control group of its own, for which the host needs cgroup v2 alone'

function launchWarnings(
  { outline, grouped, joined }: OutlinedFork,
  network: ContainerNetwork,
  capabilities: CapabilityPlan,
): readonly string[] {
  const { warning } = outline.ids
  const lacksGroup = outline.request.systemd === 'always' && !grouped
  return [
    ...(warning && !joined.sharesIds ? [warning.message] : []),
    ...(lacksGroup ? [NO_GROUP] : []),
    ...network.warnings,
    ...signalWarning(outline),
    ...loopbackWarning(outline, capabilities),
  ]
}

/** Where somebody has switched it off, that was their wish. */
function signalWarning({ request, security }: ContainerOutline): readonly string[] {
  if (request.pid !== 'host' || !security.landlock || canScope()) return []
  return [
    'with --pid host the container can send signals to your processes: this kernel has no Landlock that would keep it from that (Linux 6.12)',
  ]
}

/**
 * Who may set routes, or send packets as they are, reaches addresses that slirp4netns refuses only by its own routes.
 * @see slirp4netns(1) --disable-host-loopback
 */
function loopbackWarning({ network }: ContainerOutline, capabilities: CapabilityPlan): readonly string[] {
  const { helper } = network
  if (helper.kind !== 'slirp4netns' || helper.options.allowHostLoopback) return []
  const powerful = ['CAP_NET_ADMIN', 'CAP_NET_RAW'].filter((name) =>
    hasCapability(capabilities.bounding, capabilityNumber(name) ?? 0),
  )
  if (powerful.length === 0) return []
  return [
    `with ${powerful.join(' and ')} the container can reach the host's loopback addresses through slirp4netns`,
  ]
}
