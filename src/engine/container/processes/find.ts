import { type ProcessStat, readStat } from './process.ts'
import { allPids, readProcLink } from './procFile.ts'

/** The processes of this host that may be looked into, with the pid namespace of each. */
export type ProcessSnapshot = readonly { readonly stat: ProcessStat; readonly namespace: string }[]

/** Reads /proc once, for one container or for many. */
export function takeSnapshot(): ProcessSnapshot {
  return allPids().flatMap((pid) => {
    const namespace = pidNamespace(pid)
    // Nothing can be seen of processes of other users.
    const stat = namespace === undefined ? undefined : readStat(pid)
    return stat === undefined || namespace === undefined ? [] : { stat, namespace }
  })
}

/**
 * All processes of a container, by its pid namespace: also those that were brought in later, and those of namespaces that
 * its processes made. The first one comes first. Empty where the container has ended.
 * @param init the container's first process, as the host counts
 */
export function containerProcesses(init: number, snapshot: ProcessSnapshot): readonly ProcessStat[] {
  const namespaceOf = (pid: number) => snapshot.find(({ stat }) => stat.hostPid === pid)?.namespace
  const namespace = namespaceOf(init)
  if (namespace === undefined) return []
  // With the host's own pid namespace, its processes are those that the first one has started.
  const isShared = namespace === namespaceOf(process.pid)
  const isMember = (one: ProcessSnapshot[number]) =>
    isShared ? one.stat.hostPid === init : one.namespace === namespace
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
