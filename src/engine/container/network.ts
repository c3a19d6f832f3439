import { mkdirSync, realpathSync } from 'node:fs'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import { type IdMaps, toHostId } from '../../base/idmap.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { PortMapping } from '../../base/port.ts'
import { hostsFile } from '../../netns/hosts-file.ts'
import { parseNetworkModes } from '../../netns/mode.ts'
import { type NetworkPlan, planNetwork } from '../../netns/plan.ts'
import { allocateHostPorts } from '../../netns/ports.ts'
import { parsePublish, publishExposedPorts } from '../../netns/publish.ts'
import { resolvConf } from '../../netns/resolv-conf.ts'
import { type RunningNetwork, startNetwork } from '../../netns/start.ts'
import { defaultNetworkSysctls } from '../../netns/sysctls.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { type ContainerRecord, containerRunDirectory } from '../../storage/container/record.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { readIfExists } from '../../userns/identity.ts'
import type { Engine } from '../engine.ts'
import { containerFilesDirectory } from './files.ts'
import { subordinateRoot } from './ownership.ts'
import type { ContainerRequest } from './request.ts'

/** A container's network, from the plan to the processes that serve it. */
export interface ContainerNetwork {
  readonly kind: 'new' | 'host' | 'joined'
  /** Host ports that were chosen and found free. */
  readonly ports: readonly PortMapping[]
  readonly address: string | undefined
  /** Texts by their place inside the container. */
  readonly files: Readonly<Record<string, string | undefined>>
  readonly sysctls: Readonly<Record<string, string>>
  readonly bringUpLoopback: boolean
  readonly warnings: readonly string[]
  /** By a process of the host. */
  readonly isServed: boolean
  /** Starts what serves the network of the process's namespaces. */
  start(pid: number): RunningNetwork
}

export interface NetworkSubject {
  readonly record: ContainerRecord
  readonly plan: NetworkPlan
  /** Of the container's user namespace. */
  readonly maps: IdMaps
  readonly hostname: string
  /** The container sees the host's processes. */
  readonly hostPids: boolean
}

/** Checks what was asked for, before anything is made. @throws BryoError USAGE, UNSUPPORTED */
export function planContainerNetwork(
  engine: Engine,
  request: ContainerRequest,
  image: Pick<ImageConfig, 'exposedPorts'> | undefined,
): NetworkPlan {
  const published = request.publish.flatMap(parsePublish)
  const exposed = [...request.expose, ...(image?.exposedPorts ?? [])]
  const publish = request.publishAll ? [...published, ...publishExposedPorts(exposed, published)] : published
  return planNetwork(
    {
      mode: parseNetworkModes(request.network),
      publish,
      dns: request.dns,
      dnsSearch: request.dnsSearch,
      dnsOptions: request.dnsOption,
      addHost: request.addHost,
      noHosts: request.noHosts,
      hostsFile: request.hostsFile,
      ip: request.ip,
      ip6: request.ip6,
      macAddress: request.macAddress,
      networkAliases: request.networkAliases ?? [],
    },
    { hostAddress: engine.hostAddress(), resolvConfRealPath: realPath('/etc/resolv.conf') },
  )
}

export function prepareNetwork(engine: Engine, subject: NetworkSubject): ContainerNetwork {
  const { plan, maps, record, hostPids } = subject
  if (plan.helper.kind === 'slirp4netns' && toHostId(maps.gid, 0) === undefined) {
    throw new BryoError(
      'UNSUPPORTED',
      'cannot use slirp4netns with these id maps: it needs the ids 0 inside',
      {
        hint: 'use --userns keep-id instead, or another network: --network none, host or pasta',
      },
    )
  }
  const ports = plan.ports.length > 0 ? allocateHostPorts(plan.ports) : []
  const { kind } = plan.namespace
  const isNew = kind === 'new'
  return {
    kind: kind === 'new' || kind === 'host' ? kind : 'joined',
    ports,
    address: plan.address,
    files: networkFiles(engine, subject, plan),
    sysctls: isNew ? sysctlRecord(maps) : {},
    bringUpLoopback: plan.bringLoopbackUp,
    warnings: plan.warnings,
    isServed: plan.helper.kind !== 'none',
    start: (pid) => {
      const runDir = containerRunDirectory(engine.store, record.id)
      mkdirSync(runDir, { recursive: true, mode: 0o700 })
      const containerRoot = isNew ? subordinateRoot(engine, maps) : undefined
      return startNetwork({
        plan,
        ports,
        pid,
        runDir,
        searchPath: engine.facts.env.PATH ?? '',
        containerRoot,
        hidden: hostPids,
      })
    },
  }
}

/**
 * How many gids from 0 on may ping. The kernel keeps the range as host ids, so its end must not lie below its start.
 * @see icmp(7) ping_group_range
 */
function pingGroups({ gid }: IdMaps): number {
  const end = gid.reduce(
    (count) => gid.reduce((sum, extent) => (extent.containerId === sum ? sum + extent.size : sum), count),
    0,
  )
  const [first, last] = [toHostId(gid, 0), toHostId(gid, end - 1)]
  if (first !== undefined && last !== undefined && first <= last) return end
  return first === undefined ? 0 : 1
}

function sysctlRecord(maps: IdMaps): Readonly<Record<string, string>> {
  return Object.fromEntries(defaultNetworkSysctls(pingGroups(maps)).map(({ name, value }) => [name, value]))
}

function networkFiles(
  engine: Engine,
  subject: NetworkSubject,
  plan: NetworkPlan,
): Readonly<Record<string, string | undefined>> {
  const { files } = plan
  if (files.kind === 'shared') return sharedFiles(engine, plan)
  const { hosts } = files
  return {
    '/etc/resolv.conf': resolvConf({
      ...files.resolvConf,
      hostResolvConf: readIfExists('/etc/resolv.conf'),
    }),
    '/etc/hosts':
      hosts &&
      hostsFile({
        ...hosts,
        baseHosts: hosts.baseFile === undefined ? undefined : readIfExists(hosts.baseFile),
        hostname: subject.hostname,
        containerName: subject.record.name,
      }),
  }
}

function sharedFiles(
  engine: Engine,
  { namespace }: NetworkPlan,
): Readonly<Record<string, string | undefined>> {
  if (namespace.kind !== 'container') return {}
  const files = containerFilesDirectory(engine, requireContainer(engine.store, namespace.container).id)
  return Object.fromEntries(
    ['resolv.conf', 'hosts'].map((name) => [
      `/etc/${name}`,
      readIfExists(hostPath(files, name)) || undefined,
    ]),
  )
}

function realPath(path: string): string {
  return unlessErrno(() => realpathSync(path), 'ENOENT') ?? path
}
