import type {
  HealthAction,
  HealthCheckSettings,
  HealthLogSettings,
  StartupCheckSettings,
} from '../../base/health.ts'
import type { RestartPolicy } from '../../base/monitorConfig.ts'
import type { NotifyMode } from '../../base/notify.ts'
import type { CgroupMode, ResourceLimits } from '../../base/resources.ts'

/** A namespace of a container, by name or id, or one of this host by its absolute path. */
export type JoinText = `container:${string}` | `ns:${string}`

/** Where a namespace of a container comes from. `private`: it has its own. */
export type NamespaceMode = 'private' | 'host' | JoinText

/**
 * What a user asks of a container: plain data, stored with its record, so that `start` repeats what `create` was told.
 * Everything is parsed as far as the command line alone allows; names and numbers of the image are still text.
 */
export interface ContainerRequest {
  /** The reference as given; absent with `rootfs`. */
  readonly image?: string
  /** `--rootfs DIR[:O]`: the directory is the root; with `overlay`, changes go elsewhere. */
  readonly rootfs?: { readonly path: string; readonly overlay: boolean }
  readonly name?: string
  readonly replace: boolean
  /** Behind the image; empty for the image's own. */
  readonly command: readonly string[]
  /** Absent for the image's own; empty to have none. */
  readonly entrypoint?: readonly string[]
  /** `NAME=value`, later ones win. */
  readonly env: readonly string[]
  /** `NAME` or `*`. */
  readonly unsetEnv: readonly string[]
  /** `NAME=value`, with `$OTHER` for what the image sets. */
  readonly envMerge?: readonly string[]
  /** `NAME=value` of the caller's, behind those of the image. */
  readonly proxyEnv?: readonly string[]
  readonly workdir?: string
  readonly user?: string
  /** Names, ids and `keep-groups`. */
  readonly groupAdd: readonly string[]
  readonly hostname?: string
  readonly domainname?: string
  /** The image's /etc/hostname stays. */
  readonly noHostname?: boolean
  readonly interactive: boolean
  readonly tty: boolean
  readonly readOnly: boolean
  /** With `readOnly`: tmpfs on /run, /tmp and /var/tmp. */
  readonly readOnlyTmpfs: boolean
  readonly init: boolean
  readonly initPath?: string
  readonly ulimits: readonly UlimitRequest[]
  /** Bytes. */
  readonly shmSize?: number
  /** Bytes of each tmpfs for systemd. */
  readonly systemdTmpfsSize?: number
  /** Whether it is prepared for systemd; where its command is one, if absent. */
  readonly systemd?: 'always' | 'never'
  /** Volumes that the image declares; anonymous ones where absent. */
  readonly imageVolumes?: 'ignore' | 'tmpfs'
  /** Directories of the container below which generated files are shown too. */
  readonly chrootDirs?: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly devices: readonly DeviceRequest[]
  readonly mounts: readonly MountRequest[]
  readonly secrets: readonly SecretUse[]
  /** `--network`, as given; empty for the default. */
  readonly network: readonly string[]
  /** `-p`, as given. */
  readonly publish: readonly string[]
  readonly publishAll: boolean
  readonly expose: readonly string[]
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOption: readonly string[]
  readonly addHost: readonly string[]
  readonly noHosts: boolean
  /** Host path of what /etc/hosts begins with. */
  readonly hostsFile?: string
  readonly ip?: string
  readonly ip6?: string
  readonly macAddress?: string
  readonly networkAliases?: readonly string[]
  readonly userns?: string
  readonly uidmap: readonly string[]
  readonly gidmap: readonly string[]
  readonly subuidname?: string
  readonly subgidname?: string
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly privileged: boolean
  /** As given. */
  readonly securityOpt: readonly string[]
  /** How many descriptors of the caller the first start has let in. */
  readonly preserveFds?: number
  /** Processes; 0 or less for no limit. */
  readonly pidsLimit?: number
  /** Absent for none. */
  readonly limits?: ResourceLimits
  readonly oomScoreAdj?: number
  /** `enabled` where absent. */
  readonly cgroups?: CgroupMode
  /** A slice of systemd, or a path below the root of the control groups. */
  readonly cgroupParent?: string
  /** Octal bits. */
  readonly umask?: number
  readonly stopSignal?: string
  /** How long `stop` waits before it kills; 10 seconds by default. */
  readonly stopTimeoutSeconds?: number
  /** The container is killed after so long; 0 for never. */
  readonly timeoutSeconds?: number
  readonly restart?: RestartPolicy
  /** Goes before the image's. */
  readonly healthcheck?: HealthCheckSettings
  readonly startupCheck?: StartupCheckSettings
  readonly healthAction?: HealthAction
  readonly healthLog?: HealthLogSettings
  readonly notify?: NotifyMode
  /** k8s-file where absent. */
  readonly logDriver?: string
  /** `key=value`, with an absolute path and a size in bytes. */
  readonly logOptions: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly autoRemove: boolean
  /** With `autoRemove`: its image goes too, where no other container uses it. */
  readonly removeImage?: boolean
  readonly cidfile?: string
  /** Gets the pid of the first process at each start. */
  readonly pidfile?: string
  /** Gets the pid of the monitor at each start. */
  readonly monitorPidfile?: string
  /** Names of containers that are started before this one. */
  readonly requires?: readonly string[]
  /** Containers whose volumes are mounted too, as given; they are among `mounts` once it is created. */
  readonly volumesFrom?: readonly string[]
  /** Absent for one of its own. */
  readonly pid?: 'host' | JoinText
  readonly ipc: NamespaceMode
  readonly uts: NamespaceMode
  readonly cgroupns: NamespaceMode
  /** An entry in /etc/passwd for a user that the image lacks. */
  readonly passwd: boolean
  /** What such an entry is to be, and that in /etc/group. */
  readonly passwdEntry?: string
  readonly groupEntry?: string
  /** Names or ids of users of the host. */
  readonly hostUsers?: readonly string[]
  readonly pull: 'always' | 'missing' | 'newer' | 'never'
  /** `os/arch[/variant]`. */
  readonly platform?: string
  /** What registries.conf says where absent. */
  readonly tlsVerify?: boolean
  readonly certDir?: string
  readonly authfile?: string
  readonly timezone?: string
  readonly personality?: 'LINUX' | 'LINUX32'
}

export interface UlimitRequest {
  /** `RLIMIT_NOFILE`. */
  readonly type: string
  /** Decimal, in the resource's unit, or `unlimited`. */
  readonly soft: string
  readonly hard: string
}

export interface DeviceRequest {
  readonly hostPath: string
  readonly path: string
  /** Of `rwm`; without root the kernel's own permissions decide. */
  readonly access: string
}

/** `--secret`: what a secret of the store is shown as. */
export interface SecretUse {
  readonly name: string
  readonly type: 'mount' | 'env'
  /** A path below /run/secrets or an absolute one; the name of a variable. */
  readonly target: string
  /** Octal bits. */
  readonly mode?: number
  /** Ids inside. */
  readonly uid?: number
  readonly gid?: number
}

/** Options are in mount's words: ro, nosuid, rslave, U, z, ... */
export type MountRequest =
  | {
      readonly type: 'bind'
      readonly source: string
      readonly target: string
      readonly options: readonly string[]
    }
  | {
      readonly type: 'volume'
      readonly name?: string
      readonly target: string
      readonly options: readonly string[]
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly options: readonly string[] }
  | { readonly type: 'image'; readonly image: string; readonly target: string; readonly readWrite: boolean }
  | { readonly type: 'devpts' | 'mqueue'; readonly target: string; readonly options: readonly string[] }
