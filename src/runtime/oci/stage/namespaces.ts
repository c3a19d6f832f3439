import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { O } from '../../../syscall/file.ts'
import { unshare } from '../../../syscall/namespace.ts'
import { cannotJoin, enterNamespaces, type NamespaceJoin } from '../../stage/namespaces.ts'
import type { OciTimeOffset } from '../config/types.ts'
import type { ContainerPlan, NamespacePlan } from '../plan.ts'

/**
 * Enters and makes the namespaces of a plan. A new cgroup namespace has the group of its maker for its root, so the container's first process
 * makes it once it is in its group.
 * @throws BryoError PERMISSION, RUNTIME for a path that cannot be joined, SyscallError of unshare(2)
 */
export function enterPlannedNamespaces({ create, join, timeOffsets }: NamespacePlan): void {
  enterNamespaces(
    create.filter((type) => type !== 'cgroup'),
    join.map(openNamespace),
  )
  if (timeOffsets.length > 0) writeTimeOffsets(timeOffsets)
}

function openNamespace({ type, path }: NamespacePlan['join'][number]): NamespaceJoin {
  try {
    return { type, name: path, fd: openSync(path, O.rdonly | O.cloexec) }
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
