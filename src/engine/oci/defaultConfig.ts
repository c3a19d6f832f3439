import { capabilityNames, DEFAULT_CAPABILITIES } from '../../runtime/capabilities.ts'

export interface DefaultConfigOptions {
  readonly ociVersion: string
  /** The caller's ids, who becomes root of a user namespace; undefined where the caller has one already. */
  readonly rootless: { readonly uid: number; readonly gid: number } | undefined
}

const MASKED = [
  'acpi',
  'asound',
  'kcore',
  'keys',
  'latency_stats',
  'timer_list',
  'timer_stats',
  'sched_debug',
  'scsi',
]
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']

/** A configuration to begin with: a shell in a terminal, in the root directory `rootfs` of the bundle. */
export function defaultConfig({ ociVersion, rootless }: DefaultConfigOptions): object {
  const capabilities = capabilityNames(DEFAULT_CAPABILITIES)
  const one = (id: number) => [{ containerID: 0, hostID: id, size: 1 }]
  const types = ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network', ...(rootless ? ['user'] : [])]
  return {
    ociVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'bryo',
    mounts: mounts(),
    linux: {
      ...(rootless && { uidMappings: one(rootless.uid), gidMappings: one(rootless.gid) }),
      namespaces: types.map((type) => ({ type })),
      maskedPaths: [...MASKED.map((name) => `/proc/${name}`), '/sys/firmware'],
      readonlyPaths: READ_ONLY.map((name) => `/proc/${name}`),
    },
  }
}

/** Without an id of a terminals' group, which a single mapped id does not have. */
function mounts(): readonly object[] {
  const mount = (destination: string, type: string, options: readonly string[]) => ({
    destination,
    type,
    source: type,
    options,
  })
  const quiet = ['nosuid', 'noexec', 'nodev']
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']),
    mount('/dev/shm', 'tmpfs', [...quiet, 'mode=1777', 'size=65536k']),
    mount('/dev/mqueue', 'mqueue', quiet),
    mount('/sys', 'sysfs', [...quiet, 'ro']),
  ]
}
