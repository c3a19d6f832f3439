import type { ContainerId } from '../../../base/brand.ts'
import { readContainers, requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState } from '../../../storage/container/state.ts'
import { readProcLink } from '../../../syscall/procFile.ts'
import type { Engine } from '../../engine.ts'
import { isUp } from '../list.ts'
import { containerProcesses, type ProcessSnapshot, takeSnapshot } from '../processes/find.ts'
import type { ProcessStat } from '../processes/process.ts'
import { storedConfig } from '../stored.ts'
import { cgroupUsage } from './cgroup.ts'
import { networkTransfer } from './network.ts'
import {
  hostMemory,
  processBlockTransfer,
  processCpuNs,
  processMemory,
  processThreads,
} from './processSums.ts'
import type { Usage } from './usage.ts'

/** One look at a container. */
export interface StatsSample {
  readonly id: ContainerId
  readonly name: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** undefined for a container that does not run. */
  readonly usage: Usage | undefined
}

/** Which containers are looked at. */
export type StatsSubject =
  | { readonly kind: 'named'; readonly names: readonly string[] }
  | { readonly kind: 'running' }
  | { readonly kind: 'all' }

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function sampleContainers(engine: Engine, subject: StatsSubject): readonly StatsSample[] {
  const records =
    subject.kind === 'named'
      ? subject.names.map((name) => requireContainer(engine.store, name))
      : readContainers(engine.store)
  const snapshot = takeSnapshot()
  const samples = records.map((record) => sampleContainer(engine, record, snapshot))
  return subject.kind === 'running' ? samples.filter(({ usage }) => usage !== undefined) : samples
}

function sampleContainer({ store }: Engine, record: ContainerRecord, snapshot: ProcessSnapshot): StatsSample {
  const { id, name } = record
  const state = effectiveState(store, id)
  const at = Date.now()
  if (!isUp(state)) return { id, name, at, startedAt: at, usage: undefined }
  return {
    id,
    name,
    at,
    startedAt: Date.parse(state.startedAt),
    usage: usageOf(state.process.pid, record, snapshot),
  }
}

/** What a cgroup of its own tells is exact; the rest is the sum of its processes. */
function usageOf(init: number, record: ContainerRecord, snapshot: ProcessSnapshot): Usage | undefined {
  const { id } = record
  const all = containerProcesses(init, snapshot)
  const processes = storedConfig(record).request.pid === undefined ? all : membersOf(init, all)
  if (processes.length === 0) return undefined
  const own = cgroupUsage(init, id) ?? {}
  return {
    cpuNs: own.cpuNs ?? processCpuNs(processes),
    memory: own.memory ?? processMemory(processes),
    memoryLimit: own.memoryLimit ?? hostMemory(),
    pids: own.pids ?? processThreads(processes),
    network: networkTransfer(init),
    block: own.block ?? processBlockTransfer(processes),
  }
}

/** Of the processes of a pid namespace that is shared, the container's own: they have its mounts. */
function membersOf(init: number, processes: readonly ProcessStat[]): readonly ProcessStat[] {
  const mounts = (pid: number) => readProcLink(`/proc/${pid}/ns/mnt`)
  const own = mounts(init)
  return processes.filter(({ hostPid }) => mounts(hostPid) === own)
}

/** Per cent of one processor between two looks; from its start on where there is no earlier one. */
export function cpuPercent(sample: StatsSample, before: StatsSample | undefined): number {
  if (!sample.usage) return 0
  const since = before?.usage ? before : undefined
  const elapsedNs = (sample.at - (since?.at ?? sample.startedAt)) * 1e6
  const usedNs = sample.usage.cpuNs - (since?.usage?.cpuNs ?? 0)
  return elapsedNs <= 0 ? 0 : Math.max(0, (100 * usedNs) / elapsedNs)
}
