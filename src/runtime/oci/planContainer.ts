import { resolve } from 'node:path'
import { BryoError } from '../../base/errors.ts'
import type { NamespaceType } from '../../syscall/namespace.ts'
import type { CapabilityPlan } from '../capabilities.ts'
import type { SeccompFilter } from '../seccomp/filter.ts'
import type { OciConfig, OciMount, OciProcess } from './config/types.ts'
import { type HostCgroups, planOciMounts } from './mountPlan.ts'
import type { ContainerPlan, NamespacePlan, ProcessPlan } from './plan.ts'
import { checkSysctls } from './sysctl.ts'

/** What a configuration meets: all that its plan depends on. */
export interface OciSituation {
  readonly id: string
  /** Absolute. */
  readonly bundle: string
  /** The caller's, in its own user namespace. */
  readonly uid: number
  /** The caller is the root of the whole host. */
  readonly isHostRoot: boolean
  readonly cgroups: HostCgroups
  readonly security: HostSecurity
  /** See ContainerPlan. */
  readonly staging: string
  readonly capabilities: CapabilityPlan
  readonly seccomp: SeccompFilter | undefined
  readonly preservedFds: number
  readonly debug: boolean
}

/** Security modules that are on. */
export interface HostSecurity {
  readonly apparmor: boolean
  readonly selinux: boolean
}

/**
 * Turns a configuration into what the container's processes do. Pure.
 * @throws BryoError USAGE where its parts contradict each other; UNSUPPORTED
 */
export function planContainer(config: OciConfig, situation: OciSituation): ContainerPlan {
  const { linux, root, process } = config
  const { bundle, security } = situation
  const namespaces = planNamespaces(config, situation)
  const types = linux.namespaces.map(({ type }) => type)
  const named = config.hostname ?? config.domainname
  if (named !== undefined && !types.includes('uts')) {
    throw contradiction(`hostname "${named}"`, 'a uts namespace of the container')
  }
  checkSysctls(linux.sysctl, types)
  const label = security.selinux ? linux.mountLabel : undefined
  return {
    id: situation.id,
    bundle,
    ociVersion: config.ociVersion,
    annotations: config.annotations,
    namespaces,
    maps: namespaces.create.includes('user') ? { uid: linux.uidMappings, gid: linux.gidMappings } : undefined,
    root: { path: resolve(bundle, root.path), readonly: root.readonly },
    rootfsPropagation: linux.rootfsPropagation,
    staging: situation.staging,
    mounts: planOciMounts(config.mounts, { bundle, label, cgroups: situation.cgroups }),
    devices: linux.devices,
    furnishDevices: !config.mounts.some(isForeignDev),
    hostname: config.hostname,
    domainname: config.domainname,
    sysctl: linux.sysctl,
    maskedPaths: linux.maskedPaths,
    readonlyPaths: linux.readonlyPaths,
    hooks: config.hooks,
    process: planProcess(process, { ...situation, personality: linux.personality }),
    debug: situation.debug,
  }
}

/** /dev of the host, or of another container: nothing is added there. */
function isForeignDev({ destination, type, options }: OciMount): boolean {
  const path = destination.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '')
  return path === '/dev' && (type === 'bind' || options.includes('bind') || options.includes('rbind'))
}

function planNamespaces({ linux }: OciConfig, { uid, isHostRoot }: OciSituation): NamespacePlan {
  const create = linux.namespaces.filter(({ path }) => path === undefined).map(({ type }) => type)
  const join = linux.namespaces.flatMap(({ type, path }) => (path === undefined ? [] : [{ type, path }]))
  const types = linux.namespaces.map(({ type }) => type)
  if (!create.includes('mount')) {
    throw new BryoError(
      'UNSUPPORTED',
      'cannot create the container: linux.namespaces has no new mount namespace, expected one',
    )
  }
  const mappings = linux.uidMappings.length + linux.gidMappings.length
  if (create.includes('user') && (linux.uidMappings.length === 0 || linux.gidMappings.length === 0)) {
    throw contradiction(
      'a user namespace without linux.uidMappings and linux.gidMappings',
      'at least one id in each',
    )
  }
  if (!types.includes('user') && mappings > 0) {
    throw contradiction('linux.uidMappings without a user namespace', 'one')
  }
  if (linux.timeOffsets.length > 0 && !create.includes('time')) {
    throw contradiction('linux.timeOffsets', 'a new time namespace')
  }
  if (!types.includes('user')) refuseWithoutUserNamespace(uid, isHostRoot)
  return { create: create as readonly NamespaceType[], join, timeOffsets: linux.timeOffsets }
}

/** The root of a host in a container is its root outside as well; and without root there is nothing that could make namespaces. */
function refuseWithoutUserNamespace(uid: number, isHostRoot: boolean): void {
  if (uid === 0 && !isHostRoot) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot create the container as ${isHostRoot ? 'the root of this host' : `user ${uid}`}: linux.namespaces has no user namespace, expected one`,
    { hint: 'spec --rootless writes a configuration with one' },
  )
}

function contradiction(found: string, expected: string): BryoError {
  return new BryoError('USAGE', `cannot use the configuration: found ${found}, expected ${expected}`)
}

const DEFAULT_UMASK = 0o022

export type ProcessSituation = Pick<
  OciSituation,
  'capabilities' | 'seccomp' | 'preservedFds' | 'security'
> & { readonly personality: ProcessPlan['personality'] }

/** The plan of one process. @throws BryoError UNSUPPORTED for a label of a security module that is off */
export function planProcess(process: OciProcess, situation: ProcessSituation): ProcessPlan {
  const { capabilities, seccomp, preservedFds, security, personality } = situation
  const { user, consoleSize } = process
  return {
    args: process.args,
    env: process.env,
    cwd: process.cwd,
    uid: user.uid,
    gid: user.gid,
    additionalGids: user.additionalGids,
    umask: user.umask ?? DEFAULT_UMASK,
    capabilities,
    rlimits: process.rlimits,
    noNewPrivileges: process.noNewPrivileges,
    seccomp,
    oomScoreAdj: process.oomScoreAdj,
    apparmorProfile: appArmorProfile(process.apparmorProfile, security),
    selinuxLabel: selinuxLabel(process.selinuxLabel, security),
    personality,
    terminal: process.terminal,
    window: process.terminal && consoleSize ? consoleSize : undefined,
    preservedFds,
  }
}

function appArmorProfile(profile: string | undefined, { apparmor }: HostSecurity): string | undefined {
  if (profile === undefined || apparmor) return profile
  if (profile === 'unconfined') return undefined
  throw new BryoError(
    'UNSUPPORTED',
    `cannot apply the AppArmor profile "${profile}": AppArmor is off on this host`,
  )
}

function selinuxLabel(label: string | undefined, { selinux }: HostSecurity): string | undefined {
  if (label === undefined || selinux) return label
  throw new BryoError('UNSUPPORTED', `cannot apply the SELinux label "${label}": SELinux is off on this host`)
}
