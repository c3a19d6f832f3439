import type { PortMapping } from '../../base/port.ts'
import { formatMapping, parsePublish } from '../../netns/publish.ts'
import { capabilityNames, planCapabilities } from '../../runtime/capabilities.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { type ContainerState, effectiveState } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { volumeDirectory } from '../../storage/volume/volumes.ts'
import type { Engine } from '../engine.ts'
import { containerFilesDirectory } from './files.ts'
import { publishedPorts } from './list.ts'
import { DEFAULT_SHM_BYTES } from './mounts.ts'
import type { StoredConfig } from './stored.ts'
import { storedConfig } from './stored.ts'

/** The document of `inspect`, with the members that Docker and Podman users know. */
export type ContainerInspection = Readonly<Record<string, unknown>>

const NO_TIME = '0001-01-01T00:00:00Z'

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function inspectContainer(engine: Engine, name: string): ContainerInspection {
  const record = requireContainer(engine.store, name)
  const config = storedConfig(record)
  const { request } = config
  const state = effectiveState(engine.store, record.id)
  const directory = containerDirectory(engine.store, record.id)
  const files = containerFilesDirectory(engine, record.id)
  const capabilities = planCapabilities({
    add: request.capAdd,
    drop: request.capDrop,
    privileged: request.privileged,
    isRoot: true,
  })
  const [path = '', ...args] = record.command
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf(state),
    Image: record.image?.id.slice('sha256:'.length) ?? '',
    ImageName: record.image?.name ?? '',
    Rootfs: request.rootfs?.path ?? '',
    ResolvConfPath: hostPath(files, 'resolv.conf'),
    HostnamePath: hostPath(files, 'hostname'),
    HostsPath: hostPath(files, 'hosts'),
    StaticDir: directory,
    OCIRuntime: 'bryo',
    Name: record.name,
    RestartCount: 0,
    Driver: 'overlay',
    EffectiveCaps: capabilityNames(capabilities.effective),
    BoundingCaps: capabilityNames(capabilities.bounding),
    GraphDriver: {
      Name: 'overlay',
      Data: { UpperDir: hostPath(directory, 'upper'), WorkDir: hostPath(directory, 'work') },
    },
    Mounts: mountsOf(engine, config),
    NetworkSettings: { Ports: bindingsOf(publishedPorts(config.request, state)), Networks: {} },
    Config: configOf(record, config),
    HostConfig: hostConfigOf(config),
  }
}

function stateOf(state: ContainerState): Readonly<Record<string, unknown>> {
  const running = state.status === 'running' || state.status === 'paused' || state.status === 'stopping'
  const ended = state.status === 'exited'
  return {
    OciVersion: '1.2.0',
    Status: state.status,
    Running: running,
    Paused: state.status === 'paused',
    Restarting: false,
    OOMKilled: ended && state.oomKilled === true,
    Dead: false,
    Pid: running ? state.process.pid : 0,
    // Nobody saw the end of a container whose code is not known.
    ExitCode: ended ? (state.exitCode ?? -1) : 0,
    Error: ended ? (state.error ?? '') : '',
    StartedAt: 'startedAt' in state ? (state.startedAt ?? NO_TIME) : NO_TIME,
    FinishedAt: ended ? (state.finishedAt ?? NO_TIME) : NO_TIME,
  }
}

function mountsOf(
  { store }: Engine,
  { request, volumes }: StoredConfig,
): readonly Readonly<Record<string, unknown>>[] {
  const named = volumes.map(({ name, target, options }) => ({
    Type: 'volume',
    Name: name,
    Source: hostPath(volumeDirectory(store, name), '_data'),
    Destination: target,
    Driver: 'local',
    Mode: options.join(','),
    Options: options,
    RW: !options.includes('ro'),
  }))
  const binds = request.mounts.flatMap((mount) =>
    mount.type === 'bind'
      ? [
          {
            Type: 'bind',
            Source: mount.source,
            Destination: mount.target,
            Mode: mount.options.join(','),
            Options: mount.options,
            RW: !mount.options.includes('ro'),
          },
        ]
      : [],
  )
  return [...named, ...binds]
}

function bindingsOf(ports: readonly PortMapping[]): Readonly<Record<string, unknown>> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`
    bindings[key] = [
      ...(bindings[key] ?? []),
      { HostIp: hostIp, HostPort: hostPort === 0 ? '' : String(hostPort) },
    ]
  }
  return bindings
}

function configOf(record: ContainerRecord, { request }: StoredConfig): Readonly<Record<string, unknown>> {
  return {
    Hostname: request.hostname ?? record.id.slice(0, 12),
    User: request.user ?? '',
    Tty: request.tty,
    OpenStdin: request.interactive,
    Env: request.env,
    Cmd: request.command,
    Entrypoint: request.entrypoint ?? null,
    Image: record.image?.name ?? '',
    WorkingDir: request.workdir ?? '',
    Labels: request.labels,
    Annotations: request.annotations,
    StopSignal: request.stopSignal ?? 'SIGTERM',
    Umask: (request.umask ?? 0o022).toString(8).padStart(4, '0'),
  }
}

function hostConfigOf({ request }: StoredConfig): Readonly<Record<string, unknown>> {
  return {
    Binds: request.mounts.flatMap((mount) =>
      mount.type === 'bind'
        ? [[mount.source, mount.target, mount.options.join(',')].filter((part) => part !== '').join(':')]
        : [],
    ),
    NetworkMode: request.network[0] ?? 'slirp4netns',
    PortBindings: bindingsOf(request.publish.flatMap(parsePublish)),
    PublishedPorts: request.publish.flatMap((text) => parsePublish(text).map(formatMapping)),
    AutoRemove: request.autoRemove,
    CapAdd: request.capAdd,
    CapDrop: request.capDrop,
    Dns: request.dns,
    DnsOptions: request.dnsOption,
    DnsSearch: request.dnsSearch,
    ExtraHosts: request.addHost,
    GroupAdd: request.groupAdd,
    IpcMode: request.ipc,
    UTSMode: request.uts,
    CgroupMode: request.cgroupns,
    UsernsMode: request.userns ?? '',
    Privileged: request.privileged,
    PublishAllPorts: request.publishAll,
    ReadonlyRootfs: request.readOnly,
    SecurityOpt: request.securityOpt,
    ShmSize: request.shmSize ?? DEFAULT_SHM_BYTES,
    Sysctls: request.sysctls,
    Ulimits: request.ulimits.map(({ type, soft, hard }) => ({ Name: type, Soft: soft, Hard: hard })),
    Devices: request.devices.map(({ hostPath: host, path, access }) => ({
      PathOnHost: host,
      PathInContainer: path,
      CgroupPermissions: access,
    })),
    PidsLimit: request.pidsLimit ?? 2048,
    Init: request.init,
  }
}
