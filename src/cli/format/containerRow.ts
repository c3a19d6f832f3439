import { digestHex } from '../../base/digest.ts'
import { once } from '../../base/once.ts'
import { shortId } from '../../base/shortId.ts'
import { readHealth } from '../../engine/container/healthStatus.ts'
import { imageSizes, type ListedContainer, writtenBytes } from '../../engine/container/list.ts'
import { type NamespaceIds, NO_NAMESPACES, namespaceIds } from '../../engine/container/namespaces.ts'
import { networkNames } from '../../engine/container/networkNames.ts'
import { statusWord } from '../../engine/container/status.ts'
import type { Engine } from '../../engine/engine.ts'
import { isLive } from '../../storage/container/state.ts'
import { printable } from '../report.ts'
import { dictionary, underTypeNames } from '../template/value.ts'
import { hostAddress, portRanges, portsText } from './ports.ts'
import { formatGoTime, goSeconds } from './time.ts'
import { humanAgo, humanDuration, humanSize } from './units.ts'

/** A container as a line of `ps`; the functions read more than the container's own two files, and do it once. */
export interface ContainerRow extends ListedContainer {
  readonly id: string
  readonly imageId: string
  readonly image: string
  readonly command: string
  readonly runningFor: string
  /** `running`. */
  readonly word: string
  /** `Up 2 minutes`. */
  readonly status: string
  readonly mounts: readonly string[]
  readonly networks: readonly string[]
  readonly namespaces: NamespaceIds
  readonly size: () => RowSize
}

export interface RowSize {
  /** Bytes that the container wrote. */
  readonly written: number
  /** Bytes of its image. */
  readonly image: number
}

export interface RowOptions {
  readonly noTrunc: boolean
  /** Look the namespaces up. */
  readonly namespaces: boolean
}

const COMMAND_WIDTH = 17

/** Makes rows of one listing. */
export function containerRows(
  engine: Engine,
  containers: readonly ListedContainer[],
  { noTrunc, namespaces }: RowOptions,
): readonly ContainerRow[] {
  const now = Date.now()
  const sizes = once(() => imageSizes(engine))
  const shorten = (id: string) => (noTrunc ? id : shortId(id))
  return containers.map((one) => {
    const { record, request, state, volumes } = one
    // The image chose it: neither escape sequences nor line ends of its reach the terminal.
    const command = printable(record.command.join(' ').replace(/[\t\n]/g, ' '))
    return {
      ...one,
      id: shorten(record.id),
      imageId: shorten(record.image ? digestHex(record.image.id) : ''),
      image: record.image?.name ?? request.rootfs?.path ?? '',
      command:
        noTrunc || command.length <= COMMAND_WIDTH + 3 ? command : `${command.slice(0, COMMAND_WIDTH)}...`,
      runningFor: humanAgo(Date.parse(record.created), now),
      word: statusWord(state),
      status: statusText(engine, one, now),
      mounts: [...request.mounts.map(({ target }) => target), ...volumes.map(({ target }) => target)].filter(
        (target, index, all) => all.indexOf(target) === index,
      ),
      networks: networkNames(request),
      namespaces: namespaces && isLive(state) ? namespaceIds(state.process.pid) : NO_NAMESPACES,
      size: once(() => ({
        written: writtenBytes(engine, record),
        image: (record.image && sizes().get(record.image.id)) ?? 0,
      })),
    }
  })
}

/** `Up 2 minutes (healthy)`, `Exited (0) 3 seconds ago`, `Created`. */
function statusText(engine: Engine, { record, state }: ListedContainer, now: number): string {
  if (state.status === 'created') return 'Created'
  if (state.status === 'initialized') return 'Initialized'
  if (state.status === 'exited') {
    const word = statusWord(state) === 'restarting' ? 'Restarting' : 'Exited'
    const ended = `${word} (${state.exitCode ?? 'unknown'})`
    return state.finishedAt === undefined ? ended : `${ended} ${humanAgo(Date.parse(state.finishedAt), now)}`
  }
  const up = `Up ${humanDuration(now - Date.parse(state.startedAt))}`
  if (state.status === 'paused') return `${up} (Paused)`
  const health = readHealth(engine.store, record.id)
  return health === undefined ? up : `${up} (${health.status})`
}

/** `12B (virtual 1.98MB)`. */
export function sizeText({ written, image }: RowSize): string {
  return `${humanSize(written)} (virtual ${humanSize(image + written)})`
}

/** What a template sees; what costs something is looked up when it is asked for. */
export function containerFields(row: ContainerRow, docker: boolean): Readonly<Record<string, unknown>> {
  const { record, request, state, namespaces } = row
  const ended = state.status === 'exited'
  const fields = {
    ID: row.id,
    Image: row.image,
    ImageID: row.imageId,
    Command: row.command,
    Created: formatGoTime(Date.parse(record.created)),
    CreatedAt: formatGoTime(Date.parse(record.created)),
    CreatedHuman: row.runningFor,
    RunningFor: row.runningFor,
    Status: row.status,
    State: row.word,
    Pod: '',
    PodName: '',
    Ports: portsText(row.ports),
    get Size() {
      return sizeText(row.size())
    },
    Names: record.name,
    get Labels() {
      const labels = row.labels()
      if (!docker) return dictionary(labels)
      return Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(',')
    },
    Label: (name: string) => row.labels()[name] ?? '',
    Mounts: docker ? row.mounts.join(',') : row.mounts,
    LocalVolumes: row.volumes.length,
    Networks: row.networks.join(','),
    Namespaces: namespaceFields(namespaces),
    Pid: isLive(state) ? state.process.pid : 0,
    ExitCode: ended ? (state.exitCode ?? -1) : 0,
    Exited: ended,
    ExitedAt: goSeconds(ended ? state.finishedAt : undefined),
    StartedAt: goSeconds('startedAt' in state ? state.startedAt : undefined),
    Restarts: 'restartCount' in state ? (state.restartCount ?? 0) : 0,
    AutoRemove: request.autoRemove,
    CIDFile: request.cidfile ?? '',
    ExposedPorts: request.expose,
    Platform: 'linux',
    IsInfra: false,
    Cgroup: namespaces.cgroup,
    CGROUPNS: namespaces.cgroup,
    IPC: namespaces.ipc,
    MNT: namespaces.mnt,
    NET: namespaces.net,
    PIDNS: namespaces.pid,
    USERNS: namespaces.user,
    User: namespaces.user,
    UTS: namespaces.uts,
  }
  return underTypeNames(fields, 'ListContainer')
}

function namespaceFields(ids: NamespaceIds): Readonly<Record<string, string>> {
  return {
    MNT: ids.mnt,
    Cgroup: ids.cgroup,
    NET: ids.net,
    PIDNS: ids.pid,
    UTS: ids.uts,
    IPC: ids.ipc,
    User: ids.user,
  }
}

/** Headings that are not the field's own name in capitals. */
export const CONTAINER_TITLES: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  Created: 'CREATED AT',
  CreatedHuman: 'CREATED',
  Pod: 'POD ID',
  PodName: 'PODNAME',
  Cgroup: 'CGROUPNS',
  User: 'USERNS',
  LocalVolumes: 'LOCAL VOLUMES',
}

/** `--format json`: Podman's object. */
export function containerJson(row: ContainerRow, withSize: boolean): unknown {
  const { record, request, state, namespaces } = row
  const ended = state.status === 'exited'
  return {
    AutoRemove: request.autoRemove,
    Command: record.command,
    CreatedAt: row.runningFor,
    Exited: ended,
    ExitedAt: goSeconds(ended ? state.finishedAt : undefined),
    ExitCode: ended ? (state.exitCode ?? -1) : 0,
    Id: record.id,
    Image: row.image,
    ImageID: record.image ? digestHex(record.image.id) : '',
    IsInfra: false,
    Labels: row.labels(),
    Mounts: row.mounts,
    Names: [record.name],
    Namespaces: namespaceJson(namespaces),
    Networks: row.networks,
    Pid: isLive(state) ? state.process.pid : 0,
    Pod: '',
    PodName: '',
    Ports: portsJson(row),
    Restarts: 'restartCount' in state ? (state.restartCount ?? 0) : 0,
    Size: withSize ? { rootFsSize: row.size().image + row.size().written, rwSize: row.size().written } : null,
    StartedAt: goSeconds('startedAt' in state ? state.startedAt : undefined),
    State: row.word,
    Status: row.status,
    Created: goSeconds(record.created),
  }
}

function portsJson({ ports }: ContainerRow): unknown {
  if (ports.length === 0) return null
  return portRanges(ports).map(({ hostIp, hostPort, containerPort, protocol, length }) => ({
    host_ip: hostIp === '' ? '' : hostAddress(hostIp),
    container_port: containerPort,
    host_port: hostPort,
    range: length,
    protocol,
  }))
}

function namespaceJson(ids: NamespaceIds): Readonly<Record<string, string>> {
  const entries = Object.entries({
    cgroup: ids.cgroup,
    ipc: ids.ipc,
    mnt: ids.mnt,
    net: ids.net,
    pidns: ids.pid,
    userns: ids.user,
    uts: ids.uts,
  })
  return Object.fromEntries(entries.filter(([, id]) => id !== ''))
}
