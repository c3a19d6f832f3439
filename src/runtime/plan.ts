import type { HostPath } from '../base/brand.ts'
import type { IdMaps } from '../base/idmap.ts'
import type { RootfsPlan } from '../base/rootfs.ts'
import type { SecretFile } from '../base/secret.ts'
import type { LandlockScopes } from '../syscall/landlock.ts'
import type { NamespaceType } from '../syscall/namespace.ts'
import type { CapabilityPlan } from './capabilities.ts'
import type { MountStep } from './mountPlan.ts'
import type { SeccompFilter } from './seccomp/filter.ts'
import type { Spec } from './spec.ts'
import type { NamespaceJoin } from './stage/namespaces.ts'

/** What has to be known before anything is forked. */
export interface ForkPlan {
  /** Made new, together with the user namespace where none is joined. */
  readonly namespaces: readonly NamespaceType[]
  /** Entered instead. Where the user namespace is among them, none is made. */
  readonly joins: readonly NamespaceJoin[]
  /** The pid namespace stays the caller's. */
  readonly hostPids: boolean
  /** Others of the user namespace that is joined see the host's processes. */
  readonly othersSeeHost: boolean
  /** At most so many processes of the container's user namespace; undefined for no limit of ours. */
  readonly processLimit: number | undefined
  /** Init becomes the child of a keeper, which will execute the monitor, rather than of this process. */
  readonly monitored: boolean
  /** This process's fds that become 0, 1 and 2 of the workload; undefined for its own. Not used with a terminal. */
  readonly stdio: StdioFds | undefined
  readonly debug: boolean
}

/**
 * Others of its user namespace see init: nothing of the host may be found through it before it executes the workload. Who is in another
 * user namespace has no rights over it.
 */
export function isInSight({
  joins,
  hostPids,
  othersSeeHost,
}: Pick<ForkPlan, 'joins' | 'hostPids' | 'othersSeeHost'>): boolean {
  const sharesIds = joinedUser({ joins }) !== undefined
  return joins.some(({ type }) => type === 'pid') || (sharesIds && (hostPids || othersSeeHost))
}

/** The user namespace that is entered, where none is made. */
export function joinedUser({ joins }: Pick<ForkPlan, 'joins'>): NamespaceJoin | undefined {
  return joins.find(({ type }) => type === 'user')
}

/** undefined: nothing is read. */
export interface StdioFds {
  readonly stdin: number | undefined
  readonly stdout: number
  readonly stderr: number
}

/** Everything else that init needs. It reaches init as a document, while the namespaces are being made: so it is plain data. */
export interface LaunchPlan {
  readonly spec: Spec
  /** Of the container's user namespace, made or joined. */
  readonly maps: IdMaps
  readonly rootfs: RootfsPlan
  /**
   * Started as the host's root: the container's root is somebody else, who cannot reach the caller's directories, and the caller has no
   * id inside, without which the kernel lets it mount no overlay.
   */
  readonly asHostRoot: boolean
  /** A directory of the caller on which the root is put together, in init's own mount namespace. */
  readonly mountPoint: HostPath
  readonly mounts: readonly MountStep[]
  readonly secrets: readonly SecretFile[]
  readonly user: UserRequest
  /** Capabilities for container root and for any other user: who it is shows only inside the root. */
  readonly capabilities: { readonly root: CapabilityPlan; readonly other: CapabilityPlan }
  readonly seccomp: SeccompFilter | undefined
  /** Stdin of the waiting process reaches the workload; else it reads nothing. Not used with a terminal, or with `stdio` of the fork. */
  readonly inheritStdin: boolean
  readonly initialWindow: { readonly rows: number; readonly columns: number } | undefined
  /** fds beside 0, 1 and 2 that stay open in the workload. */
  readonly preservedFds: readonly number[]
  /** An error where the working directory is missing; else it is made. */
  readonly requireWorkingDirectory: boolean
  readonly nestedUserNamespaces: boolean
  /** Init makes its cgroup namespace once it is in the control group that is its root. */
  readonly newCgroupNamespace: boolean
  /** What of the host's namespaces, which the container shares, is out of its reach; undefined for nothing. */
  readonly scopes: LandlockScopes | undefined
  readonly bringUpLoopback: boolean
  /** All is made but the workload, which waits for somebody's word. */
  readonly held: boolean
  /** Execution domain; undefined for the host's. @see personality(2) */
  readonly personality: 'LINUX' | 'LINUX32' | undefined
  /** Signal for the workload when the waiting process dies; 0 for none. */
  readonly parentDeathSignal: number
  /** Directory of the container's generated files (passwd, group). */
  readonly filesDirectory: HostPath
}

export interface UserRequest {
  /** `name`, `uid`, `name:group`, `uid:gid`; empty for root. */
  readonly text: string
  /** `--group-add`: names and ids. */
  readonly groups: readonly string[]
  /** Keep the caller's supplementary groups, as far as they are mapped or not. */
  readonly keepGroups: boolean
  /** Whether /etc/passwd and /etc/group may get entries at all. */
  readonly addEntries: boolean
  /** An entry for a user that the image does not know, e.g. the caller under keep-id. */
  readonly passwdEntry: UserEntry | undefined
  /** Users of the host whom the image gets to know. */
  readonly hostUsers?: readonly UserEntry[]
  /** What added lines of /etc/passwd and /etc/group are to be, with words such as `$UID` to be replaced. */
  readonly templates?: { readonly passwd?: string; readonly group?: string }
}

/** @see passwd(5) */
export interface UserEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** The full name. */
  readonly comment: string
  readonly home: string
  readonly shell: string
}
