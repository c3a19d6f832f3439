import type { IdMaps } from '../../base/idmap.ts'

/** A mount as a process sees it. @see proc_pid_mountinfo(5) */
export interface MountEntry {
  readonly id: number
  /** What of the filesystem is mounted: `/` for all of it. */
  readonly root: string
  /** Where, as the process names it. */
  readonly point: string
  readonly fstype: string
  /** Of the mount: ro, nosuid, ... */
  readonly options: readonly string[]
}

/** Namespaces by which a container may differ from its host. */
export type NamespaceName = 'user' | 'mnt' | 'pid' | 'net' | 'ipc' | 'uts' | 'cgroup'

/** Capability sets as bits. */
export interface CapabilitySets {
  readonly inheritable: bigint
  readonly effective: bigint
  readonly bounding: bigint
  readonly ambient: bigint
}

/** What protects a container's first process: as the kernel tells it, or as it is going to be. */
export interface SecurityFacts {
  /** Ids of the host, as this process sees them. */
  readonly maps: IdMaps
  /** Those that the container has in common with this process. */
  readonly sharedNamespaces: readonly NamespaceName[]
  /** Those that belong to its user namespace. */
  readonly ownedNamespaces: readonly NamespaceName[]
  /** Id of its user inside; undefined where it is not known yet. */
  readonly uid: number | undefined
  readonly noNewPrivileges: boolean
  readonly capabilities: CapabilitySets
  /** Filters that are in force; 0 for none. */
  readonly seccompFilters: number
  /** `user.max_user_namespaces` of its namespace; Infinity where it is left as it is. */
  readonly maxUserNamespaces: number
  readonly mounts: readonly MountEntry[]
  /** RLIMIT_NPROC, or the limit of its cgroup where that is lower; Infinity for none. */
  readonly processLimit: number
  /** What it has open from outside of its mounts, stdio aside. */
  readonly foreignFiles: readonly string[]
  /** Names of the variables that it has from the environment of this process, with the same value. */
  readonly hostVariables: readonly string[]
  readonly leadsSession: boolean
  /** The terminal of this process is its own too. */
  readonly sharesTerminal: boolean
  /** `type` of the security module's label, where the host has one. */
  readonly label: string | undefined
}
