import { BryoError } from '../../base/errors.ts'
import type { SpecMount } from '../../runtime/spec.ts'
import type { ContainerRequest } from './request.ts'
import { normalise } from './volumes.ts'

export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024

export interface MountInputs {
  readonly request: ContainerRequest
  /** The host's /sys/fs/cgroup is the unified hierarchy. */
  readonly cgroup2: boolean
  /** The container may make control groups in its own. */
  readonly cgroupWritable: boolean
  /** Where the /dev/shm of a container lies whose IPC namespace is shared; undefined for one of its own. */
  readonly sharedMemory: string | undefined
  /** /dev/mqueue is there on the host. */
  readonly hostHasQueues: boolean
  /** Whether gid 5, the tty group, is mapped. */
  readonly ttyGroup: boolean
  /** Generated files by their place inside: `/etc/hosts`. */
  readonly files: Readonly<Record<string, string>>
  /** What the user and the image ask for, resolved to sources. */
  readonly user: readonly SpecMount[]
  /** Host path of the init program. */
  readonly initProgram: string | undefined
  /** Further options of /proc. */
  readonly procOptions: readonly string[]
}

/** Where the init program is shown. */
export const INIT_TARGET = '/run/bryo-init'

/** All mounts of a container in their order: the kernel's filesystems first, then all others, parents before what lies in them. */
export function buildMounts(inputs: MountInputs): readonly SpecMount[] {
  checkTargets(inputs.user)
  const taken = new Set(inputs.user.map((mount) => mount.destination))
  const untaken = (mounts: readonly SpecMount[]) => mounts.filter((mount) => !taken.has(mount.destination))
  const others = [
    ...untaken(readOnlyTmpfs(inputs.request)),
    ...untaken(fileMounts(inputs)),
    ...inputs.user,
    ...initMount(inputs),
  ]
  return [
    ...untaken(kernelMounts(inputs)),
    ...others.sort((a, b) => depth(a.destination) - depth(b.destination)),
  ]
}

function depth(path: string): number {
  return path.split('/').filter((part) => part !== '').length
}

function checkTargets(mounts: readonly SpecMount[]): void {
  const seen = new Set<string>()
  for (const { destination } of mounts) {
    if (seen.has(destination)) throw new BryoError('USAGE', `${destination}: duplicate mount destination`)
    if (destination === '/')
      throw new BryoError('USAGE', 'invalid mount destination "/": expected a path below it')
    if (destination === '/proc' || destination.startsWith('/proc/')) {
      throw new BryoError('USAGE', `invalid mount destination "${destination}": nothing may lie over /proc`)
    }
    seen.add(destination)
  }
}

const QUEUES = '/dev/mqueue'
const queues: SpecMount = {
  destination: QUEUES,
  type: 'mqueue',
  source: 'mqueue',
  options: ['nosuid', 'noexec', 'nodev'],
}

/** The kernel mounts the host's message queues for the host's root only: they are shown where the host shows them. */
function hostQueues(shown: boolean): readonly SpecMount[] {
  return shown
    ? [{ destination: QUEUES, type: 'bind', source: QUEUES, options: ['rbind', 'nosuid', 'noexec', 'nodev'] }]
    : []
}

function kernelMounts({
  request,
  cgroup2,
  cgroupWritable,
  ttyGroup,
  procOptions,
  hostHasQueues,
  sharedMemory,
}: MountInputs): readonly SpecMount[] {
  const shmBytes = request.shmSize ?? DEFAULT_SHM_BYTES
  const pts = [
    'nosuid',
    'noexec',
    'newinstance',
    'ptmxmode=0666',
    'mode=0620',
    ...(ttyGroup ? ['gid=5'] : []),
  ]
  const shared = request.ipc === 'host'
  const shmSource = shared ? '/dev/shm' : sharedMemory
  return [
    request.pid === 'host'
      ? {
          destination: '/proc',
          type: 'bind',
          source: '/proc',
          options: ['rbind', 'nosuid', 'noexec', 'nodev'],
        }
      : {
          destination: '/proc',
          type: 'proc',
          source: 'proc',
          options: ['nosuid', 'noexec', 'nodev', ...procOptions],
        },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'noexec', 'mode=755', 'size=65536k'],
    },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: pts },
    shmSource !== undefined
      ? {
          destination: '/dev/shm',
          type: 'bind',
          source: shmSource,
          options: ['rbind', 'nosuid', 'noexec', 'nodev'],
        }
      : {
          destination: '/dev/shm',
          type: 'tmpfs',
          source: 'shm',
          options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmBytes}`],
        },
    ...(shared ? hostQueues(hostHasQueues) : [queues]),
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ...(cgroup2 ? [controlGroups(request, cgroupWritable)] : []),
  ]
}

/** The kernel mounts those of the host's cgroup namespace for the host's root only. */
function controlGroups({ cgroupns }: ContainerRequest, writable: boolean): SpecMount {
  const destination = '/sys/fs/cgroup'
  const options = ['nosuid', 'noexec', 'nodev', writable ? 'rw' : 'ro']
  return cgroupns === 'host'
    ? { destination, type: 'bind', source: destination, options: ['rbind', ...options] }
    : { destination, type: 'cgroup2', source: 'cgroup2', options: ['relatime', ...options] }
}

function readOnlyTmpfs({ readOnly, readOnlyTmpfs }: ContainerRequest): readonly SpecMount[] {
  if (!readOnly || !readOnlyTmpfs) return []
  const options = ['rw', 'nosuid', 'nodev', 'mode=1777', 'copy']
  return [
    {
      destination: '/run',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['rw', 'nosuid', 'nodev', 'mode=755', 'copy'],
    },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options },
    { destination: '/var/tmp', type: 'tmpfs', source: 'tmpfs', options },
  ]
}

function fileMounts({ files, request: { chrootDirs = [] } }: MountInputs): readonly SpecMount[] {
  return ['', ...chrootDirs].flatMap((directory) =>
    Object.entries(files).map(([path, source]) => ({
      destination: normalise(`${directory}${path}`),
      type: 'bind',
      source,
      options: ['bind', 'nosuid', 'nodev', 'noexec'],
    })),
  )
}

function initMount({ initProgram }: MountInputs): readonly SpecMount[] {
  if (initProgram === undefined) return []
  return [
    {
      destination: INIT_TARGET,
      type: 'bind',
      source: initProgram,
      options: ['bind', 'ro', 'nosuid', 'nodev'],
    },
  ]
}
