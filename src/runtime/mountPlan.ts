import { BryoError } from '../base/errors.ts'
import { MOUNT_ATTR } from '../syscall/mount.ts'
import type { Spec, SpecMount } from './spec.ts'

export type Propagation = 'private' | 'slave' | 'shared' | 'unbindable'

/** How the kernel makes the mount that a step attaches. */
export type MountSource =
  | {
      readonly kind: 'bind'
      readonly path: string
      readonly recursive: boolean
      readonly propagation: Propagation
    }
  /** Mounted at `staging` first: a stack of layers is too long for the newer mount calls. */
  | {
      readonly kind: 'overlay'
      readonly lower: readonly string[]
      readonly upper: string | undefined
      readonly work: string | undefined
      readonly staging: string
      /** SELinux label of its files. */
      readonly label: string | undefined
    }
  /** Made before the fork, by an fd that init has inherited. */
  | { readonly kind: 'inherited'; readonly fd: number }
  | {
      readonly kind: 'filesystem'
      readonly fstype: string
      readonly options: Readonly<Record<string, string>>
    }

export interface MountStep {
  readonly source: MountSource
  /** Absolute, inside the container. */
  readonly target: string
  /** Bits of MOUNT_ATTR. */
  readonly attributes: number
  /** The target may not be or lie behind a symbolic link: what the image holds there must not lead elsewhere. */
  readonly strictTarget: boolean
  /** Made before the host's root is left: the kernel wants to see the host's own /proc and /sys, sources lie there. */
  readonly beforePivot: boolean
  /** New and empty volume: filled with what the image has at the target. */
  readonly copyUp: boolean
  /** With `copyUp`: its own directory keeps its owner and mode. */
  readonly ownAttributes: boolean
  /** Owner of the source becomes the container's user. */
  readonly chown: boolean
}

const ATTRIBUTE_OPTIONS: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR.rdonly,
  nosuid: MOUNT_ATTR.nosuid,
  nodev: MOUNT_ATTR.nodev,
  noexec: MOUNT_ATTR.noexec,
  noatime: MOUNT_ATTR.noatime,
  nodiratime: MOUNT_ATTR.nodiratime,
}
/** Said for completeness by users; the mounts are like this already, or labels that need SELinux. */
const SILENT_OPTIONS = new Set([
  'rw',
  'suid',
  'dev',
  'exec',
  'relatime',
  'atime',
  'diratime',
  'strictatime',
  'defaults',
  'bind',
  'rbind',
  'z',
  'Z',
  'nocopy',
  'noidmap',
])
/** Words of bryo's own: what happens beside the mounting. */
const OWN_OPTIONS = new Set(['copy', 'copycontent', 'U'])
const PROPAGATIONS: Readonly<Record<string, Propagation>> = {
  private: 'private',
  rprivate: 'private',
  slave: 'slave',
  rslave: 'slave',
  shared: 'shared',
  rshared: 'shared',
  unbindable: 'unbindable',
  runbindable: 'unbindable',
}
/** Filesystems whose files may be labelled as a whole in a user namespace. */
const LABELLED = ['tmpfs', 'mqueue', 'devpts']
const STRICT_TARGETS = ['/proc', '/sys', '/dev']

/** Turns the spec's mounts into steps, in the spec's order. Pure. @param label SELinux label of new filesystems */
export function planMounts(spec: Pick<Spec, 'mounts'>, label?: string): readonly MountStep[] {
  return spec.mounts.map((mount) => planMount(mount, label))
}

function planMount(mount: SpecMount, label: string | undefined): MountStep {
  const options = mount.options
  const isBind = mount.type === 'bind' || options.includes('bind') || options.includes('rbind')
  return {
    source: isBind
      ? bindSource(mount)
      : mount.type === 'overlay'
        ? overlaySource(mount, label)
        : filesystemSource(mount, label),
    target: mount.destination,
    attributes: options.reduce((sum, option) => sum | (ATTRIBUTE_OPTIONS[option] ?? 0), 0),
    strictTarget: STRICT_TARGETS.some(
      (path) => mount.destination === path || mount.destination.startsWith(`${path}/`),
    ),
    beforePivot: isBind || ['proc', 'sysfs', 'cgroup2', 'overlay'].includes(mount.type),
    copyUp: options.includes('copy') || options.includes('copycontent'),
    ownAttributes: options.includes('copycontent') || !(isBind || mount.type === 'overlay'),
    chown: options.includes('U'),
  }
}

function bindSource(mount: SpecMount): MountSource {
  if (mount.source === undefined) {
    throw new BryoError('MOUNT', `cannot mount "${mount.destination}": a bind mount without a source`)
  }
  let propagation: Propagation = 'private'
  for (const option of mount.options) {
    propagation = PROPAGATIONS[option] ?? propagation
    if (!(option in PROPAGATIONS) && !isMountOption(option)) throw unknownOption(mount, option)
  }
  return { kind: 'bind', path: mount.source, recursive: !mount.options.includes('bind'), propagation }
}

/** `source` is the directory on which it is staged. */
function overlaySource(mount: SpecMount, label: string | undefined): MountSource {
  const paths = (name: string) => {
    const option = mount.options.find((candidate) => candidate.startsWith(`${name}=`))
    return option === undefined ? [] : splitPaths(option.slice(name.length + 1))
  }
  const [lower, [upper], [work]] = [paths('lowerdir'), paths('upperdir'), paths('workdir')]
  return { kind: 'overlay', lower, upper, work, staging: mount.source ?? '', label }
}

/** Paths between colons; a backslash takes the next character as it is. */
function splitPaths(text: string): readonly string[] {
  const escaped = text.match(/(?:\\.|[^\\:])+/gs) ?? []
  return escaped.map((path) => path.replace(/\\(.)/gs, '$1'))
}

function filesystemSource(mount: SpecMount, label: string | undefined): MountSource {
  const labelled = label !== undefined && LABELLED.includes(mount.type)
  const options: Record<string, string> = labelled ? { context: label } : {}
  for (const option of mount.options) {
    if (isMountOption(option) || option in PROPAGATIONS) continue
    const equals = option.indexOf('=')
    if (equals === -1) options[option] = ''
    else options[option.slice(0, equals)] = option.slice(equals + 1)
  }
  return { kind: 'filesystem', fstype: mount.type, options }
}

function isMountOption(option: string): boolean {
  return option in ATTRIBUTE_OPTIONS || SILENT_OPTIONS.has(option) || OWN_OPTIONS.has(option)
}

function unknownOption(mount: SpecMount, option: string): BryoError {
  return new BryoError('MOUNT', `cannot mount "${mount.destination}": unknown option "${option}"`)
}
