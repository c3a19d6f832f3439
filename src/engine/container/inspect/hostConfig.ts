import type { DeviceRate, ResourceLimits } from '../../../base/resources.ts'
import { formatMapping, parsePublish } from '../../../netns/publish.ts'
import { planLog } from '../logConfig.ts'
import { DEFAULT_SHM_BYTES } from '../mounts.ts'
import { networkNames } from '../networkNames.ts'
import type { ContainerRequest } from '../request.ts'
import { portBindings } from './network.ts'
import type { InspectSubject } from './subject.ts'

type Part = Readonly<Record<string, unknown>>

const DEFAULT_PIDS = 2048

/** `.HostConfig`: how the container is set into the host. */
export function hostConfigOf(subject: InspectSubject): Part {
  const { request } = subject.config
  const [network = ''] = networkNames(request)
  const published = request.publish.flatMap(parsePublish)
  return {
    Binds: bindsOf(subject),
    CgroupManager: '',
    CgroupMode: request.cgroupns,
    ContainerIDFile: request.cidfile ?? '',
    LogConfig: logConfigOf(subject),
    NetworkMode: network,
    PortBindings: portBindings(published),
    PublishedPorts: published.map(formatMapping),
    RestartPolicy: {
      Name: request.restart?.name ?? 'no',
      MaximumRetryCount: request.restart?.maxRetries ?? 0,
    },
    AutoRemove: request.autoRemove,
    VolumeDriver: '',
    VolumesFrom: null,
    ...securityOf(request),
    Dns: request.dns,
    DnsOptions: request.dnsOption,
    DnsSearch: request.dnsSearch,
    ExtraHosts: request.addHost,
    GroupAdd: request.groupAdd,
    IpcMode: request.ipc,
    Cgroup: '',
    Cgroups: request.cgroups === undefined || request.cgroups === 'enabled' ? 'default' : request.cgroups,
    Links: null,
    PidMode: request.pid ?? 'private',
    UTSMode: request.uts,
    UsernsMode: request.userns ?? '',
    PublishAllPorts: request.publishAll,
    Tmpfs: Object.fromEntries(
      request.mounts.flatMap((mount) =>
        mount.type === 'tmpfs' ? [[mount.target, mount.options.join(',')]] : [],
      ),
    ),
    ShmSize: request.shmSize ?? DEFAULT_SHM_BYTES,
    Runtime: 'oci',
    ConsoleSize: [0, 0],
    Isolation: '',
    Init: request.init,
    Sysctls: request.sysctls,
    ...limitsOf(request),
  }
}

/** As `-v` would take them. */
function bindsOf({ config: { request, volumes } }: InspectSubject): readonly string[] {
  const binds = request.mounts.flatMap((mount) =>
    mount.type === 'bind' ? [{ source: mount.source, target: mount.target, options: mount.options }] : [],
  )
  const named = volumes.map(({ name, target, options }) => ({ source: name, target, options }))
  return [...named, ...binds].map(({ source, target, options }) =>
    [source, target, options.join(',')].filter((part) => part !== '').join(':'),
  )
}

function logConfigOf({ engine, record, config: { request } }: InspectSubject): Part {
  const log = planLog(engine.store, record, request)
  return {
    Type: log.driver,
    Config: Object.fromEntries(
      request.logOptions.map((text) => {
        const equals = text.indexOf('=')
        return [text.slice(0, equals), text.slice(equals + 1)]
      }),
    ),
    Path: log.path,
    Tag: log.tag ?? '',
    Size: log.maxSize === undefined ? '0B' : `${log.maxSize}B`,
  }
}

function securityOf(request: ContainerRequest): Part {
  return {
    CapAdd: request.capAdd,
    CapDrop: request.capDrop,
    Privileged: request.privileged,
    ReadonlyRootfs: request.readOnly,
    SecurityOpt: request.securityOpt,
    IDMappings:
      request.uidmap.length + request.gidmap.length === 0
        ? null
        : { UidMap: request.uidmap, GidMap: request.gidmap },
  }
}

/** What has no limit is 0, but for the number of processes. */
function limitsOf(request: ContainerRequest): Part {
  const { limits = {} } = request
  return {
    CpuShares: limits.cpuShares ?? 0,
    Memory: limits.memory ?? 0,
    NanoCpus: Math.round((limits.cpus ?? 0) * 1e9),
    CgroupParent: request.cgroupParent ?? '',
    BlkioWeight: limits.blkioWeight ?? 0,
    BlkioWeightDevice:
      limits.deviceWeights?.map(({ path, weight }) => ({ Path: path, Weight: weight })) ?? null,
    BlkioDeviceReadBps: ratesOf(limits, 'rbps'),
    BlkioDeviceWriteBps: ratesOf(limits, 'wbps'),
    BlkioDeviceReadIOps: ratesOf(limits, 'riops'),
    BlkioDeviceWriteIOps: ratesOf(limits, 'wiops'),
    CpuPeriod: limits.cpuPeriod ?? 0,
    CpuQuota: limits.cpuQuota ?? 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    Devices: request.devices.map(({ hostPath: host, path, access }) => ({
      PathOnHost: host,
      PathInContainer: path,
      CgroupPermissions: access,
    })),
    KernelMemory: 0,
    MemoryReservation: limits.memoryReservation ?? 0,
    MemorySwap: limits.memorySwap ?? (limits.memory ?? 0) * 2,
    MemorySwappiness: 0,
    OomKillDisable: false,
    OomScoreAdj: request.oomScoreAdj ?? 0,
    PidsLimit: request.pidsLimit ?? DEFAULT_PIDS,
    Ulimits: request.ulimits.map(({ type, soft, hard }) => ({
      Name: type,
      Soft: limitNumber(soft),
      Hard: limitNumber(hard),
    })),
    CgroupConf: limits.cgroupConf ?? null,
  }
}

/** null for none. */
function ratesOf({ deviceRates = [] }: ResourceLimits, kind: DeviceRate['kind']): readonly Part[] | null {
  const rates = deviceRates.filter((rate) => rate.kind === kind)
  return rates.length === 0 ? null : rates.map(({ path, rate }) => ({ Path: path, Rate: rate }))
}

/** -1 for no limit. */
function limitNumber(text: string): number {
  return text === 'unlimited' ? -1 : Number(text)
}
