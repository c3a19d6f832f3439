import { resolve } from 'node:path'
import { BryoError } from '../../base/errors.ts'
import { MOUNT_ATTR } from '../../syscall/mount.ts'
import { PROPAGATION_TYPES, propagationOf } from './config/linux.ts'
import type { OciMount, OciPropagation } from './config/types.ts'

/** How the kernel makes a mount. */
export type OciMountSource =
  | { readonly kind: 'bind'; readonly path: string; readonly recursive: boolean }
  | {
      readonly kind: 'filesystem'
      readonly fstype: string
      readonly source: string
      readonly options: Readonly<Record<string, string>>
    }
  /** Its options are too long for the newer mount calls. */
  | { readonly kind: 'overlay'; readonly data: string }
  /** Without a cgroup namespace of its own the kernel mounts none: then the group below the host's root of them is shown. */
  | { readonly kind: 'cgroup2'; readonly hostRoot: string }

export interface OciMountStep {
  readonly source: OciMountSource
  /** Absolute, inside the container. */
  readonly target: string
  /** Bits of MOUNT_ATTR for the mount itself. */
  readonly attributes: number
  /** Bits for the mounts below as well: `rro` and its like. */
  readonly recursiveAttributes: number
  readonly propagation: OciPropagation | undefined
  /** The target may not be or lie behind a symbolic link. */
  readonly strictTarget: boolean
  /** A new filesystem begins with what the root has at the target. */
  readonly copyUp: boolean
}

const ATTRIBUTES: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR.rdonly,
  nosuid: MOUNT_ATTR.nosuid,
  nodev: MOUNT_ATTR.nodev,
  noexec: MOUNT_ATTR.noexec,
  noatime: MOUNT_ATTR.noatime,
  nodiratime: MOUNT_ATTR.nodiratime,
  nosymfollow: MOUNT_ATTR.nosymfollow,
}
/** Say what a new mount is like anyway, or ask for less protection than the source has, which the kernel refuses below root. */
const NEUTRAL = new Set([
  ...[
    'rw',
    'suid',
    'dev',
    'exec',
    'atime',
    'diratime',
    'relatime',
    'norelatime',
    'strictatime',
    'nostrictatime',
  ],
  ...[
    'symfollow',
    'async',
    'silent',
    'loud',
    'nomand',
    'nolazytime',
    'noiversion',
    'defaults',
    'bind',
    'rbind',
  ],
])
const COPY_UP = 'tmpcopyup'
const UNSUPPORTED = new Set(['idmap', 'ridmap', 'remount'])
/** Of the superblock, which a mount of another's filesystem does not change. */
const SUPERBLOCK = new Set(['sync', 'dirsync', 'lazytime', 'mand', 'iversion'])
/** What a configuration may say of a mount beside the options of its filesystem. */
export const KNOWN_MOUNT_OPTIONS: readonly string[] = [
  ...Object.keys(ATTRIBUTES).flatMap((name) => [name, `r${name}`]),
  ...NEUTRAL,
  ...PROPAGATION_TYPES.flatMap((name) => [name, `r${name}`]),
  COPY_UP,
].sort()
const STRICT_TARGETS = ['/proc', '/sys', '/dev']

/** Where the groups of this process lie on the host. */
export type HostCgroups =
  | { readonly kind: 'v2'; readonly root: string }
  /** A directory of the caller's group in each hierarchy, by the hierarchy's name. */
  | { readonly kind: 'v1'; readonly ownGroups: readonly { readonly name: string; readonly path: string }[] }

export interface MountSituation {
  /** Where relative sources start. */
  readonly bundle: string
  /** SELinux label of new filesystems; undefined where the host has none. */
  readonly label: string | undefined
  readonly cgroups: HostCgroups
}

/**
 * Turns the mounts of a configuration into steps, in their order. Pure.
 * @throws BryoError UNSUPPORTED, USAGE
 */
export function planOciMounts(
  mounts: readonly OciMount[],
  situation: MountSituation,
): readonly OciMountStep[] {
  return mounts
    .flatMap((mount) => expandCgroups(mount, situation.cgroups))
    .map((mount) => planMount(mount, situation))
}

/** Hierarchies of version 1 are shown one by one, in a directory that holds nothing else. */
function expandCgroups(mount: OciMount, cgroups: HostCgroups): readonly OciMount[] {
  if (mount.type !== 'cgroup' || cgroups.kind === 'v2') return [mount]
  const { destination, options } = mount
  const directory = {
    ...mount,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['mode=755', 'size=64k', 'nosuid', 'nodev'],
  }
  const groups = cgroups.ownGroups.map(({ name, path }) => ({
    destination: `${destination}/${name}`,
    type: 'bind',
    source: path,
    options: ['bind', ...options],
  }))
  return [directory, ...groups]
}

function planMount(mount: OciMount, situation: MountSituation): OciMountStep {
  const { destination: target, options } = mount
  const refused = options.find((option) => UNSUPPORTED.has(option.split('=')[0] ?? ''))
  if (refused !== undefined) {
    throw new BryoError('UNSUPPORTED', `cannot mount "${target}": option "${refused}" is not supported`)
  }
  const source = planSource(mount, situation)
  return {
    source,
    target,
    attributes: attributesOf(options),
    recursiveAttributes: attributesOf(
      options.flatMap((option) => (isRecursiveAttribute(option) ? [option.slice(1)] : [])),
    ),
    propagation: options.map(propagationOf).findLast((found) => found !== undefined),
    strictTarget: STRICT_TARGETS.some((path) => target === path || target.startsWith(`${path}/`)),
    copyUp: source.kind === 'filesystem' && options.includes(COPY_UP),
  }
}

/** The last word counts: `ro,rw` is writable. */
function attributesOf(options: readonly string[]): number {
  return options.reduce((bits, option) => {
    if (Object.hasOwn(ATTRIBUTES, option)) return bits | (ATTRIBUTES[option] ?? 0)
    const opposite = oppositeOf(option)
    return opposite === undefined ? bits : bits & ~opposite
  }, 0)
}

function oppositeOf(option: string): number | undefined {
  if (option === 'rw') return MOUNT_ATTR.rdonly
  const negated = `no${option}`
  return Object.hasOwn(ATTRIBUTES, negated) ? ATTRIBUTES[negated] : undefined
}

function isRecursiveAttribute(option: string): boolean {
  if (!option.startsWith('r')) return false
  const plain = option.slice(1)
  return Object.hasOwn(ATTRIBUTES, plain) || (NEUTRAL.has(plain) && plain !== 'bind')
}

/** Whether the option is the kernel's or this program's own, so no option of a filesystem. */
function isGeneric(option: string): boolean {
  return (
    Object.hasOwn(ATTRIBUTES, option) ||
    NEUTRAL.has(option) ||
    isRecursiveAttribute(option) ||
    option === COPY_UP ||
    propagationOf(option) !== undefined
  )
}

function planSource(mount: OciMount, { bundle, label, cgroups }: MountSituation): OciMountSource {
  const { type, options } = mount
  if (type === 'bind' || options.includes('bind') || options.includes('rbind'))
    return bindSource(mount, bundle)
  if (type === undefined) throw invalid(mount, 'no type', 'a filesystem or the option bind')
  if ((type === 'cgroup' || type === 'cgroup2') && cgroups.kind === 'v2') {
    return { kind: 'cgroup2', hostRoot: cgroups.root }
  }
  if (type === 'overlay') {
    return { kind: 'overlay', data: options.filter((option) => !isGeneric(option)).join(',') }
  }
  const own: Record<string, string> = {}
  for (const option of options.filter((candidate) => !isGeneric(candidate))) {
    const equals = option.indexOf('=')
    if (equals === -1) own[option] = ''
    else own[option.slice(0, equals)] = option.slice(equals + 1)
  }
  if (label !== undefined && ['tmpfs', 'mqueue', 'devpts'].includes(type)) own.context = label
  return { kind: 'filesystem', fstype: type, source: mount.source ?? type, options: own }
}

function bindSource(mount: OciMount, bundle: string): OciMountSource {
  const { source, options } = mount
  if (source === undefined) throw invalid(mount, 'a bind mount without a source', 'a path')
  const unknown = options.find((option) => !isGeneric(option) && !SUPERBLOCK.has(option))
  if (unknown !== undefined) throw invalid(mount, `option "${unknown}"`, 'an option of bind mounts')
  return { kind: 'bind', path: resolve(bundle, source), recursive: options.includes('rbind') }
}

function invalid({ destination }: OciMount, found: string, expected: string): BryoError {
  return new BryoError('USAGE', `cannot mount "${destination}": ${found}, expected ${expected}`)
}
