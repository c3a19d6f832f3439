import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { isErrno } from '../../../base/errors.ts'
import { O } from '../../../syscall/file.ts'
import { newMount } from '../../../syscall/fsmount.ts'
import {
  MS,
  mount,
  mountSetattr,
  moveMountOnto,
  openTreeClone,
  unmountDetach,
} from '../../../syscall/mount.ts'
import { createMount, type DetachedMount } from '../../stage/mounts.ts'
import type { OciMountStep } from '../mountPlan.ts'
import type { ContainerPlan } from '../plan.ts'

/**
 * Cuts this mount namespace off from the one it was copied from, as far as the plan wants that: mounts of the host still
 * arrive here; ours reach the host only where the root's propagation is shared.
 */
export function setPropagation({ rootfsPropagation, root }: ContainerPlan): void {
  const shared = rootfsPropagation?.type === 'shared'
  mount({ target: '/', flags: MS.rec | (shared ? MS.shared : MS.slave) })
  // What is mounted on a shared mount shows in its peers, and pivot_root(2) takes no root on such a one.
  if (shared) mount({ target: mountPointOf(root.path), flags: MS.private })
}

/** The mount on which a path lies. @see proc_pid_mountinfo(5) */
function mountPointOf(path: string): string {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((field) =>
      field.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
    )
  const holding = points.filter(
    (point) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`),
  )
  return holding.reduce((longest, point) => (point.length > longest.length ? point : longest), '/')
}

/** A root directory with what is mounted below it, ready to be put on its own place. */
export interface OpenRoot {
  readonly treeFd: number
  readonly placeFd: number
}

/** As the caller, whom the way to it is open for. */
export function openRoot(path: string): OpenRoot {
  const placeFd = openSync(path, O.path | O.directory | O.cloexec)
  const treeFd = openTreeClone({ dirfd: placeFd, path: '', recursive: true })
  mountSetattr({ dirfd: treeFd, path: '', recursive: false, propagation: 'private' })
  return { treeFd, placeFd }
}

/** Gives an fd of the mounted root. */
export function attachRoot({ treeFd, placeFd }: OpenRoot): number {
  moveMountOnto(treeFd, placeFd)
  closeSync(placeFd)
  return treeFd
}

/** What mounts are made with. */
export interface MountPlace {
  /** See ContainerPlan. */
  readonly staging: string
  /** The group of this process, from the root of the caller's cgroup namespace. */
  readonly ownGroup: string
}

/** Makes the mount of a step, which has no place yet. */
export function createOciMount(step: OciMountStep, place: MountPlace): DetachedMount {
  const made = create(step, place)
  const { attributes, recursiveAttributes, propagation } = step
  if (step.source.kind === 'bind' || step.source.kind === 'overlay') {
    mountSetattr({
      dirfd: made.fd,
      path: '',
      recursive: true,
      set: recursiveAttributes,
      propagation: 'private',
    })
    if (attributes !== 0) mountSetattr({ dirfd: made.fd, path: '', recursive: false, set: attributes })
  }
  if (propagation) {
    mountSetattr({
      dirfd: made.fd,
      path: '',
      recursive: propagation.recursive,
      propagation: propagation.type,
    })
  }
  return made
}

function create(step: OciMountStep, { staging, ownGroup }: MountPlace): DetachedMount {
  const { source, target, attributes, strictTarget, copyUp } = step
  switch (source.kind) {
    case 'bind': {
      const fd = openTreeClone({ path: source.path, recursive: source.recursive, follow: true })
      return { fd, isDirectory: fstatSync(fd).isDirectory() }
    }
    case 'overlay':
      mount({ source: 'overlay', target: staging, fstype: 'overlay', data: source.data })
      try {
        return { fd: openTreeClone({ path: staging, recursive: false }), isDirectory: true }
      } finally {
        unmountDetach(staging)
      }
    case 'cgroup2':
      return {
        fd: createCgroup2(`${source.hostRoot}${ownGroup}`, attributes | step.recursiveAttributes),
        isDirectory: true,
      }
    case 'filesystem': {
      const { fstype, options } = source
      if (['proc', 'sysfs'].includes(fstype)) {
        const filesystem = { kind: 'filesystem' as const, fstype, options }
        return createMount({ source: filesystem, target, attributes, strictTarget, ...PLAIN })
      }
      // What is copied into it comes first.
      const bits = copyUp ? 0 : attributes | step.recursiveAttributes
      const fd = newMount({ fstype, source: source.source, options, attributes: bits }, closeSync)
      return { fd, isDirectory: true }
    }
  }
}

function createCgroup2(ownGroup: string, attributes: number): number {
  try {
    return newMount({ fstype: 'cgroup2', source: 'cgroup2', attributes }, closeSync)
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'EBUSY')) throw error
    const fd = openTreeClone({ path: ownGroup, recursive: false })
    mountSetattr({ dirfd: fd, path: '', recursive: false, set: attributes, propagation: 'private' })
    return fd
  }
}

const PLAIN = { beforePivot: true, copyUp: false, ownAttributes: false, chown: false } as const
