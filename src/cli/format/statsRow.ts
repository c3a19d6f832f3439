import { shortId } from '../../base/shortId.ts'
import { duration } from '../../engine/container/processes/descriptors.ts'
import { cpuPercent, type StatsSample } from '../../engine/container/stats/stats.ts'
import type { Transfer } from '../../engine/container/stats/usage.ts'
import { underTypeNames } from '../template/value.ts'
import type { Column } from './rows.ts'
import { humanBinarySize, humanSize } from './units.ts'

/** A container as a line of `stats`. */
export interface StatsRow {
  readonly sample: StatsSample
  readonly id: string
  readonly cpu: string
  readonly memory: string
  readonly memoryPercent: string
  readonly network: string
  readonly block: string
  readonly pids: string
  readonly cpuTime: string
  readonly averageCpu: string
}

const UNKNOWN = '--'

export interface StatsRowOptions {
  readonly noTrunc: boolean
  /** The look before, by id: what is used between the two is shown. */
  readonly before: ReadonlyMap<string, StatsSample>
}

export function statsRow(sample: StatsSample, { noTrunc, before }: StatsRowOptions): StatsRow {
  const { id, usage } = sample
  const unknown = `${UNKNOWN} / ${UNKNOWN}`
  return {
    sample,
    id: noTrunc ? id : shortId(id),
    cpu: usage ? percent(cpuPercent(sample, before.get(id))) : UNKNOWN,
    memory: usage ? `${humanSize(usage.memory, 4)} / ${humanSize(usage.memoryLimit, 4)}` : unknown,
    memoryPercent: usage ? percent(memoryPercent(usage)) : UNKNOWN,
    network: transfer(usage?.network),
    block: transfer(usage?.block),
    pids: usage ? String(usage.pids) : UNKNOWN,
    cpuTime: usage ? duration(usage.cpuNs / 1e9) : UNKNOWN,
    averageCpu: usage ? percent(cpuPercent(sample, undefined)) : UNKNOWN,
  }
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`
}

function memoryPercent({
  memory,
  memoryLimit,
}: {
  readonly memory: number
  readonly memoryLimit: number
}): number {
  return memoryLimit === 0 ? 0 : (100 * memory) / memoryLimit
}

function transfer(bytes: Transfer | undefined): string {
  return bytes ? `${humanSize(bytes.input, 4)} / ${humanSize(bytes.output, 4)}` : `${UNKNOWN} / ${UNKNOWN}`
}

export const STATS_COLUMNS: readonly Column<StatsRow>[] = [
  { title: 'ID', cell: (row) => row.id },
  { title: 'NAME', cell: (row) => row.sample.name },
  { title: 'CPU %', cell: (row) => row.cpu },
  { title: 'MEM USAGE / LIMIT', cell: (row) => row.memory },
  { title: 'MEM %', cell: (row) => row.memoryPercent },
  { title: 'NET IO', cell: (row) => row.network },
  { title: 'BLOCK IO', cell: (row) => row.block },
  { title: 'PIDS', cell: (row) => row.pids },
  { title: 'CPU TIME', cell: (row) => row.cpuTime },
  { title: 'AVG CPU %', cell: (row) => row.averageCpu },
]

/** Headings that are not the field's own name in capitals. */
export const STATS_TITLES: Readonly<Record<string, string>> = {
  CPUPerc: 'CPU %',
  CPU: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET IO',
  BlockIO: 'BLOCK IO',
  PIDs: 'PIDS',
  CPUTime: 'CPU TIME',
  AvgCPU: 'AVG CPU %',
  AVGCPU: 'AVG CPU %',
  MemUsageBytes: 'MEM USAGE / LIMIT',
}

/** What a template sees. */
export function statsFields(row: StatsRow): Readonly<Record<string, unknown>> {
  const { sample } = row
  const { usage } = sample
  const upTime = duration((sample.at - sample.startedAt) / 1000)
  const fields = {
    ID: row.id,
    Container: row.id,
    ContainerID: sample.id,
    Name: sample.name,
    CPU: row.cpu,
    CPUPerc: row.cpu,
    AvgCPU: row.averageCpu,
    AVGCPU: row.averageCpu,
    PerCPU: [],
    CPUTime: row.cpuTime,
    CPUNano: usage?.cpuNs ?? 0,
    CPUSystemNano: 0,
    SystemNano: sample.at * 1e6,
    Duration: usage?.cpuNs ?? 0,
    MemUsage: row.memory,
    MemUsageBytes: usage
      ? `${humanBinarySize(usage.memory)} / ${humanBinarySize(usage.memoryLimit)}`
      : row.memory,
    MemPerc: row.memoryPercent,
    MemLimit: usage?.memoryLimit ?? 0,
    NetIO: row.network,
    NetInput: usage?.network?.input ?? 0,
    NetOutput: usage?.network?.output ?? 0,
    BlockIO: row.block,
    BlockInput: usage?.block?.input ?? 0,
    BlockOutput: usage?.block?.output ?? 0,
    PIDs: row.pids,
    PIDS: row.pids,
    UpTime: upTime,
    Up: upTime,
  }
  return underTypeNames(fields, 'ContainerStats')
}

/** `--format json`: Podman's object. */
export function statsJson(row: StatsRow): unknown {
  return {
    id: row.id,
    name: row.sample.name,
    cpu_time: row.cpuTime,
    cpu_percent: row.cpu,
    avg_cpu: row.averageCpu,
    mem_usage: row.memory,
    mem_percent: row.memoryPercent,
    net_io: row.network,
    block_io: row.block,
    pids: row.pids,
  }
}
