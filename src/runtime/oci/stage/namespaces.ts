import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../../base/errors.ts'
import { O } from '../../../syscall/file.ts'
import { type NamespaceType, setns, unshare } from '../../../syscall/namespace.ts'
import type { OciTimeOffset } from '../config/types.ts'
import type { ContainerPlan, NamespacePlan } from '../plan.ts'

interface Joined {
  readonly type: NamespaceType
  readonly path: string
  readonly fd: number
}

/**
 * Enters and makes the namespaces of a plan. A namespace may belong to the caller's user namespace, where it can only be
 * joined before another user namespace is entered, or to the container's, where it can only be joined after that. A new cgroup namespace
 * has the group of its maker for its root, so the container's first process makes it once it is in its group.
 * @throws BryoError RUNTIME for a path that cannot be joined, SyscallError of unshare(2)
 */
export function enterPlannedNamespaces({ create, join, timeOffsets }: NamespacePlan): void {
  const opened = join.map((one) => ({ ...one, fd: openNamespace(one) }))
  const later = opened.filter(({ type }) => type !== 'user').filter((one) => !tryJoin(one))
  for (const one of opened) if (one.type === 'user') joinNow(one)
  if (create.includes('user')) unshare(['user'])
  for (const one of later) joinNow(one)
  for (const { fd } of opened) closeSync(fd)
  const others = create.filter((type) => type !== 'user' && type !== 'cgroup')
  if (others.length > 0) unshare(others)
  if (timeOffsets.length > 0) writeTimeOffsets(timeOffsets)
}

function openNamespace({ type, path }: Pick<Joined, 'type' | 'path'>): number {
  try {
    return openSync(path, O.rdonly | O.cloexec)
  } catch (error) {
    throw cannotJoin(type, path, error)
  }
}

function cannotJoin(type: NamespaceType, path: string, error: unknown): BryoError {
  const reason = isErrno(error, 'EINVAL') ? `not a ${type} namespace that can be joined` : messageOf(error)
  return new BryoError('RUNTIME', `cannot join the ${type} namespace "${path}": ${reason}`, { cause: error })
}

/** False where it takes rights that only another user namespace gives. */
function tryJoin({ type, path, fd }: Joined): boolean {
  try {
    setns(fd, [type])
    return true
  } catch (error) {
    if (isErrno(error, 'EPERM')) return false
    throw cannotJoin(type, path, error)
  }
}

function joinNow({ type, path, fd }: Joined): void {
  try {
    setns(fd, [type])
  } catch (error) {
    throw cannotJoin(type, path, error)
  }
}

/** They hold for the processes forked from now on. @see time_namespaces(7) */
function writeTimeOffsets(offsets: readonly OciTimeOffset[]): void {
  const lines = offsets.map(({ clock, seconds, nanoseconds }) => `${clock} ${seconds} ${nanoseconds}\n`)
  writeFileSync('/proc/self/timens_offsets', lines.join(''))
}

/**
 * Makes the cgroup namespace of a plan, by a process that is in the group which is to be its root.
 * @returns the path of that group as it was to be seen before
 */
export function enterCgroupNamespace({ namespaces }: ContainerPlan): string {
  const ownGroup = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'latin1'))?.[1] ?? '/'
  if (namespaces.create.includes('cgroup')) unshare(['cgroup'])
  return ownGroup
}
