import type { ImageConfig } from '../../base/image.ts'
import { isNamespaceLimit } from '../../cgroup/hierarchy.ts'
import { buildCommand } from './environment.ts'
import type { ContainerRequest, MountRequest } from './request.ts'
import { normalise } from './volumes.ts'

/** What starts systemd, or another init, wherever a distribution keeps it. */
const INITS = ['/sbin/init', '/usr/sbin/init', '/usr/local/sbin/init']
const STOP_SIGNAL = 'SIGRTMIN+3'
/** Modes of what systemd wants to find empty and writable. */
const PLACES = { '/run': '755', '/run/lock': '1777', '/tmp': '1777', '/var/log/journal': '2755' }

/**
 * A request with what systemd needs to be a container's first process, where that is asked for or the command is one: its directories in
 * memory, and the signal that shuts it down. Pure.
 * @see https://systemd.io/CONTAINER_INTERFACE/
 */
export function withSystemd(request: ContainerRequest, image: ImageConfig | undefined): ContainerRequest {
  if (request.systemd === 'never') return request
  if (request.systemd === undefined && !isInit(buildCommand(request, image)[0] ?? '')) return request
  const volumes = request.imageVolumes === undefined ? (image?.volumes ?? []) : []
  const places = [...request.mounts.map(({ target }) => target), ...volumes]
  const taken = new Set(places.map(normalise))
  const { systemdTmpfsSize: bytes } = request
  const size = bytes === undefined ? [] : [`size=${bytes}`]
  const mounts = Object.entries(PLACES)
    .filter(([target]) => !taken.has(target))
    .map(
      ([target, mode]): MountRequest => ({
        type: 'tmpfs',
        target,
        options: ['exec', `mode=${mode}`, ...size],
      }),
    )
  return {
    ...request,
    systemd: 'always',
    mounts: [...request.mounts, ...mounts],
    stopSignal: request.stopSignal ?? image?.stopSignal ?? STOP_SIGNAL,
  }
}

function isInit(program: string): boolean {
  return INITS.includes(program) || program === 'systemd' || program.endsWith('/systemd')
}

/** The first process takes its machine id from it. */
export function systemdEnvironment({ systemd }: ContainerRequest, id: string): readonly string[] {
  return systemd === 'always' ? [`container_uuid=${id.slice(0, 32)}`] : []
}

/** In a namespace of its own, systemd may divide its control group; not where it could change its own limits there. */
export function isCgroupWritable({ systemd, cgroupns }: ContainerRequest): boolean {
  return systemd === 'always' && cgroupns === 'private' && isNamespaceLimit()
}
