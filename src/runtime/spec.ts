import type { IdMapping } from '../base/idmap.ts'

/**
 * The part of the OCI runtime configuration (`config.json`) that bryo writes and executes.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config.md
 */
export interface Spec {
  readonly ociVersion: string
  readonly hostname?: string
  readonly domainname?: string
  readonly process: SpecProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  /** In the order in which they are mounted. */
  readonly mounts: readonly SpecMount[]
  readonly linux: SpecLinux
  readonly annotations?: Readonly<Record<string, string>>
}

export interface SpecProcess {
  readonly terminal: boolean
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: SpecUser
  readonly capabilities: SpecCapabilities
  readonly rlimits: readonly SpecRlimit[]
  readonly noNewPrivileges: boolean
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
}

export interface SpecUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  /** Octal. */
  readonly umask: number
}

/** Names such as `CAP_CHOWN`. */
export interface SpecCapabilities {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly permitted: readonly string[]
  readonly inheritable: readonly string[]
  readonly ambient: readonly string[]
}

export interface SpecRlimit {
  /** `RLIMIT_NOFILE`. */
  readonly type: string
  readonly soft: bigint
  readonly hard: bigint
}

export interface SpecMount {
  readonly destination: string
  /** `bind` or a filesystem type. */
  readonly type: string
  readonly source?: string
  readonly options: readonly string[]
}

export interface SpecLinux {
  readonly namespaces: readonly SpecNamespace[]
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
  readonly devices: readonly SpecDevice[]
  readonly sysctl: Readonly<Record<string, string>>
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  /** SELinux label of the root and of new filesystems. */
  readonly mountLabel?: string
  readonly rootfsPropagation: 'private' | 'slave' | 'shared' | 'unbindable'
}

export interface SpecNamespace {
  readonly type: 'user' | 'mount' | 'pid' | 'network' | 'ipc' | 'uts' | 'cgroup'
  /** Joined rather than created. */
  readonly path?: string
}

/** A device node of the host, shown inside at `path`. */
export interface SpecDevice {
  readonly path: string
  readonly hostPath: string
  readonly access: string
}
