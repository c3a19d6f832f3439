import { readProc, readProcText } from '../../../syscall/procFile.ts'

/** What the kernel tells of a process. Times are clock ticks, of which there are {@link TICKS_PER_SECOND}. */
export interface ProcessStat {
  readonly hostPid: number
  readonly comm: string
  /** R, S, D, Z, T, ... */
  readonly state: string
  /** As the host counts. */
  readonly hostParent: number
  readonly terminal: number
  readonly userTicks: number
  readonly systemTicks: number
  /** Of children that have ended and were waited for, both kinds. */
  readonly childTicks: number
  readonly nice: number
  readonly threads: number
  /** Since boot. */
  readonly startTicks: number
  /** Bytes. */
  readonly virtualBytes: number
}

export const TICKS_PER_SECOND = 100

/** undefined where the process is gone. @see proc_pid_stat(5) */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`)
  return text === undefined ? undefined : parseStat(pid, text)
}

/** @param text of /proc/PID/stat. The command's name stands in brackets and may hold anything, brackets too. */
export function parseStat(pid: number, text: string): ProcessStat | undefined {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')]
  if (open === -1 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  // The manual counts from 1, and the first two are before.
  const field = (number: number) => Number(fields[number - 3] ?? 0)
  return {
    hostPid: pid,
    comm: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    hostParent: field(4),
    terminal: field(7),
    userTicks: field(14),
    systemTicks: field(15),
    childTicks: field(16) + field(17),
    nice: field(19),
    threads: field(20),
    startTicks: field(22),
    virtualBytes: field(23),
  }
}

/** The lines of /proc/PID/status by their names; empty where the process is gone. @see proc_pid_status(5) */
export function readStatus(pid: number): ReadonlyMap<string, string> {
  const text = readProc(`/proc/${pid}/status`) ?? ''
  return new Map(
    text.split('\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const]
    }),
  )
}

/** Program and arguments; empty for a zombie and for threads of the kernel. */
export function readCommandLine(pid: number): readonly string[] {
  const text = readProcText(`/proc/${pid}/cmdline`) ?? ''
  return text === '' ? [] : text.replace(/\0$/, '').split('\0')
}

/** Seconds since boot. */
export function uptimeSeconds(): number {
  return Number(readProc('/proc/uptime')?.split(' ')[0] ?? 0)
}
