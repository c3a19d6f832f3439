import { readProc } from '../../../syscall/procFile.ts'
import { type ProcessStat, TICKS_PER_SECOND } from '../processes/process.ts'
import { addTransfers, type Transfer } from './usage.ts'

const NS_PER_TICK = 1e9 / TICKS_PER_SECOND
const KIB = 1024

/** CPU time of the processes that there are, and of those that they have waited for. */
export function processCpuNs(processes: readonly ProcessStat[]): number {
  return processes.reduce(
    (sum, { userTicks, systemTicks, childTicks }) =>
      sum + (userTicks + systemTicks + childTicks) * NS_PER_TICK,
    0,
  )
}

/** Bytes; what several processes share counts once. */
export function processMemory(processes: readonly ProcessStat[]): number {
  return processes.reduce((sum, { hostPid }) => sum + memoryOf(hostPid), 0)
}

/** The proportional share; what is resident where that is hidden. */
function memoryOf(pid: number): number {
  const share = kibibytes(readProc(`/proc/${pid}/smaps_rollup`), 'Pss')
  return (share ?? kibibytes(readProc(`/proc/${pid}/status`), 'VmRSS') ?? 0) * KIB
}

/** `Pss:      12 kB` */
function kibibytes(text: string | undefined, name: string): number | undefined {
  const found = text === undefined ? undefined : new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

export function processThreads(processes: readonly ProcessStat[]): number {
  return processes.reduce((sum, { threads }) => sum + threads, 0)
}

/** undefined where the kernel keeps it to itself. @see proc_pid_io(5) */
export function processBlockTransfer(processes: readonly ProcessStat[]): Transfer | undefined {
  const transfers = processes.flatMap(({ hostPid }) => {
    const text = readProc(`/proc/${hostPid}/io`)
    if (text === undefined) return []
    const bytes = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0)
    return [{ input: bytes('read_bytes'), output: bytes('write_bytes') }]
  })
  return transfers.length === 0 ? undefined : addTransfers(transfers)
}

/** Bytes of memory that the host has. */
export function hostMemory(): number {
  return (kibibytes(readProc('/proc/meminfo'), 'MemTotal') ?? 0) * KIB
}
