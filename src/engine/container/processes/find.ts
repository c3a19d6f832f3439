import { type ProcessStat, readStat } from './process.ts'
import { allPids, readProcLink } from './procFile.ts'

/**
 * All processes of a container, by its pid namespace: also those that were brought in later, and those of namespaces that
 * its processes made. The first one comes first. Empty where the container has ended.
 * @param init the container's first process, as the host counts
 */
export function containerProcesses(init: number): readonly ProcessStat[] {
  const namespace = pidNamespace(init)
  if (namespace === undefined) return []
  const members = new Map<number, ProcessStat>()
  const others: ProcessStat[] = []
  for (const pid of allPids()) {
    const found = pidNamespace(pid)
    // Nothing can be seen of processes of other users.
    if (found === undefined) continue
    const stat = readStat(pid)
    if (stat === undefined) continue
    if (found === namespace) members.set(pid, stat)
    else others.push(stat)
  }
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
