import type { IdMapping } from '../../../base/idmap.ts'
import type { OciResources } from '../../../base/ociResources.ts'
import type { NamespaceType } from '../../../syscall/namespace.ts'

/**
 * A `config.json` that an engine wrote, read and checked: what is missing there has its default here.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config.md
 */
export interface OciConfig {
  readonly ociVersion: string
  /** `path` as it was written: absolute, or relative to the bundle. */
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly process: OciProcess
  readonly hostname: string | undefined
  readonly domainname: string | undefined
  readonly mounts: readonly OciMount[]
  readonly hooks: OciHooks
  readonly annotations: Readonly<Record<string, string>>
  readonly linux: OciLinux
}

export interface OciProcess {
  readonly terminal: boolean
  readonly consoleSize: { readonly rows: number; readonly columns: number } | undefined
  readonly user: OciUser
  /** Empty where the configuration has no process. */
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** Absolute. */
  readonly cwd: string
  readonly capabilities: OciCapabilities
  readonly rlimits: readonly OciRlimit[]
  readonly noNewPrivileges: boolean
  readonly apparmorProfile: string | undefined
  readonly selinuxLabel: string | undefined
  readonly oomScoreAdj: number | undefined
}

export interface OciUser {
  readonly uid: number
  readonly gid: number
  /** Octal; undefined for the usual 022. */
  readonly umask: number | undefined
  readonly additionalGids: readonly number[]
}

export const CAPABILITY_SETS = ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'] as const
/** Names as they were written, known to this program or not. */
export type OciCapabilities = Readonly<Record<(typeof CAPABILITY_SETS)[number], readonly string[]>>

export interface OciRlimit {
  /** `RLIMIT_NOFILE`. */
  readonly type: string
  readonly soft: bigint
  readonly hard: bigint
}

export interface OciMount {
  /** Absolute. */
  readonly destination: string
  readonly type: string | undefined
  readonly source: string | undefined
  readonly options: readonly string[]
}

export const HOOK_KINDS = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const
export type HookKind = (typeof HOOK_KINDS)[number]
export type OciHooks = Readonly<Record<HookKind, readonly OciHook[]>>

export interface OciHook {
  /** Absolute. */
  readonly path: string
  /** With argv[0]; empty where the path alone is meant. */
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** Undefined for no limit. */
  readonly timeoutSeconds: number | undefined
}

export interface OciLinux {
  readonly namespaces: readonly OciNamespace[]
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
  readonly timeOffsets: readonly OciTimeOffset[]
  readonly resources: OciResources
  /** Where the control group is made, in words of whoever makes it; undefined for any place. */
  readonly cgroupsPath: string | undefined
  readonly devices: readonly OciDevice[]
  readonly sysctl: Readonly<Record<string, string>>
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly rootfsPropagation: OciPropagation | undefined
  readonly mountLabel: string | undefined
  readonly personality: 'LINUX' | 'LINUX32' | undefined
  /** The seccomp section as JSON: it has a reader of its own. */
  readonly seccomp: string | undefined
}

export interface OciPropagation {
  readonly type: 'private' | 'slave' | 'shared' | 'unbindable'
  readonly recursive: boolean
}

export interface OciNamespace {
  readonly type: NamespaceType
  /** Joined rather than made; absolute. */
  readonly path: string | undefined
}

export interface OciTimeOffset {
  readonly clock: 'monotonic' | 'boottime'
  readonly seconds: number
  readonly nanoseconds: number
}

export interface OciDevice {
  readonly type: 'c' | 'b' | 'p'
  readonly path: string
  readonly major: number
  readonly minor: number
  /** Octal; undefined where not given. */
  readonly fileMode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}
