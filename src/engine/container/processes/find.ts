import { allPids, readProcLink } from '../../../syscall/procFile.ts'
import { type ProcessStat, readStat } from './process.ts'

/** The processes of this host that may be looked into, with the namespaces of each. */
export type ProcessSnapshot = readonly SeenProcess[]

interface SeenProcess {
  readonly stat: ProcessStat
  /** Its pid namespace. */
  readonly namespace: string
  /** Its mount namespace, read when asked for. */
  readonly mounts: () => string | undefined
}

/** Reads /proc once, for one container or for many. */
export function takeSnapshot(): ProcessSnapshot {
  return allPids().flatMap((pid) => {
    const namespace = pidNamespace(pid)
    // Nothing can be seen of processes of other users.
    const stat = namespace === undefined ? undefined : readStat(pid)
    const mounts = () => readProcLink(`/proc/${pid}/ns/mnt`)
    return stat === undefined || namespace === undefined ? [] : { stat, namespace, mounts }
  })
}

/**
 * All processes of a container, by its pid namespace, or its mount namespace where that is the host's: also those that were brought in
 * later, and those of namespaces that its processes made. The first one comes first. Empty where the container has ended.
 * @param init the container's first process, as the host counts
 */
export function containerProcesses(init: number, snapshot: ProcessSnapshot): readonly ProcessStat[] {
  const find = (pid: number) => snapshot.find(({ stat }) => stat.hostPid === pid)
  const first = find(init)
  if (!first) return []
  const isShared = first.namespace === find(process.pid)?.namespace
  const mounts = isShared ? first.mounts() : undefined
  const isMember = (one: SeenProcess) =>
    one === first ||
    (isShared ? mounts !== undefined && one.mounts() === mounts : one.namespace === first.namespace)
  const members = new Map(snapshot.filter(isMember).map(({ stat }) => [stat.hostPid, stat]))
  const others = snapshot.filter((one) => !isMember(one)).map(({ stat }) => stat)
  addDescendants(members, others)
  return [...members.values()].toSorted((a, b) => rank(a, init) - rank(b, init))
}

function rank({ hostPid }: ProcessStat, init: number): number {
  return hostPid === init ? 0 : hostPid
}

function pidNamespace(pid: number): string | undefined {
  return readProcLink(`/proc/${pid}/ns/pid`)
}

/** A parent may have a higher pid than its child, so it is looked again until nothing is added. */
function addDescendants(members: Map<number, ProcessStat>, others: readonly ProcessStat[]): void {
  let rest = others
  for (;;) {
    const children = rest.filter((stat) => members.has(stat.hostParent))
    if (children.length === 0) return
    for (const stat of children) members.set(stat.hostPid, stat)
    rest = rest.filter((stat) => !members.has(stat.hostPid))
  }
}
