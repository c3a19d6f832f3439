import type { IdMaps } from '../../base/idmap.ts'
import type { NamespaceType } from '../../syscall/namespace.ts'
import type { CapabilityPlan } from '../capabilities.ts'
import type { SeccompFilter } from '../seccomp/filter.ts'
import type { OciDevice, OciHooks, OciPropagation, OciRlimit, OciTimeOffset } from './config/types.ts'
import type { OciMountStep } from './mountPlan.ts'

/** How a container of an OCI configuration comes by its namespaces. */
export interface NamespacePlan {
  /** Made new; the others are the caller's. */
  readonly create: readonly NamespaceType[]
  readonly join: readonly { readonly type: NamespaceType; readonly path: string }[]
  readonly timeOffsets: readonly OciTimeOffset[]
}

/** All that the processes of such a container need; they are forked with it. */
export interface ContainerPlan {
  readonly id: string
  readonly bundle: string
  readonly ociVersion: string
  readonly annotations: Readonly<Record<string, string>>
  readonly namespaces: NamespacePlan
  /** Of a user namespace that is made; undefined where it is joined or the caller's. */
  readonly maps: IdMaps | undefined
  /** Absolute. */
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly rootfsPropagation: OciPropagation | undefined
  /** An empty directory on which overlays are mounted before they get their place. */
  readonly staging: string
  readonly mounts: readonly OciMountStep[]
  readonly devices: readonly OciDevice[]
  /** Whether /dev is this container's own, and not another's that was mounted there. */
  readonly furnishDevices: boolean
  readonly hostname: string | undefined
  readonly domainname: string | undefined
  readonly sysctl: Readonly<Record<string, string>>
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly hooks: OciHooks
  readonly process: ProcessPlan
  readonly debug: boolean
}

/** The user's process, of a container or of an `exec` in one. */
export interface ProcessPlan {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  /** Octal. */
  readonly umask: number
  readonly capabilities: CapabilityPlan
  readonly rlimits: readonly OciRlimit[]
  readonly noNewPrivileges: boolean
  readonly seccomp: SeccompFilter | undefined
  readonly oomScoreAdj: number | undefined
  readonly apparmorProfile: string | undefined
  readonly selinuxLabel: string | undefined
  readonly personality: 'LINUX' | 'LINUX32' | undefined
  readonly terminal: boolean
  readonly window: { readonly rows: number; readonly columns: number } | undefined
  /** fds from 3 on that stay open. */
  readonly preservedFds: number
}

/** Stdio, and what else of the caller's descriptors reaches the user's program. */
export function passedFds({ preservedFds }: ProcessPlan): readonly number[] {
  return Array.from({ length: FIRST_FD + preservedFds }, (_, fd) => fd)
}

const FIRST_FD = 3
