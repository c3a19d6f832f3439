import { CAPABILITY_NAMES } from '../../../runtime/capabilities.ts'
import { readProcText } from '../../../syscall/procFile.ts'
import type { IdNames } from './names.ts'
import { type ProcessStat, TICKS_PER_SECOND } from './process.ts'

/** What columns are made of. */
export interface ProcessFacts {
  readonly stat: ProcessStat
  /** Lines of /proc/PID/status. */
  readonly status: ReadonlyMap<string, string>
  readonly commandLine: readonly string[]
  /** As the container counts. */
  readonly pid: string
  readonly parent: string
  readonly group: string
  readonly inside: IdNames
  readonly outside: IdNames
  /** Seconds since boot. */
  readonly uptime: number
  /** Milliseconds since 1970. */
  readonly now: number
}

/** A column of `top`. @see ps(1), AIX format descriptors */
export interface Descriptor {
  readonly name: string
  /** Of ps(1): `%p`. */
  readonly code?: string
  readonly heading: string
  readonly cell: (facts: ProcessFacts) => string
}

const column = (name: string, heading: string, cell: Descriptor['cell'], code?: string): Descriptor => ({
  name,
  heading,
  cell,
  ...(code !== undefined && { code }),
})

export const DESCRIPTORS: readonly Descriptor[] = [
  column('args', 'COMMAND', (f) => f.commandLine.join(' ') || `[${f.stat.comm}]`, '%a'),
  column('capamb', 'AMBIENT CAPS', (f) => capabilities(f, 'CapAmb')),
  column('capbnd', 'BOUNDING CAPS', (f) => capabilities(f, 'CapBnd')),
  column('capeff', 'EFFECTIVE CAPS', (f) => capabilities(f, 'CapEff')),
  column('capinh', 'INHERITED CAPS', (f) => capabilities(f, 'CapInh')),
  column('capprm', 'PERMITTED CAPS', (f) => capabilities(f, 'CapPrm')),
  column('comm', 'COMMAND', (f) => f.stat.comm, '%c'),
  column('etime', 'ELAPSED', (f) => duration(elapsedSeconds(f)), '%t'),
  column('group', 'GROUP', (f) => f.inside.group(idOf(f, 'Gid', 1)), '%G'),
  column('groups', 'GROUPS', (f) => groupIds(f).map(f.inside.group).join(',')),
  column('hgroup', 'HGROUP', (f) => f.outside.group(idOf(f, 'Gid', 1))),
  column('hgroups', 'HGROUPS', (f) => groupIds(f).map(f.outside.group).join(',')),
  column('hpid', 'HPID', (f) => String(f.stat.hostPid)),
  column('huser', 'HUSER', (f) => f.outside.user(idOf(f, 'Uid', 1))),
  column('label', 'LABEL', (f) =>
    (readProcText(`/proc/${f.stat.hostPid}/attr/current`) ?? '').replace(/[\0\n]+$/, ''),
  ),
  column('nice', 'NI', (f) => String(f.stat.nice), '%n'),
  column('pcpu', '%CPU', (f) => ((100 * cpuSeconds(f)) / Math.max(elapsedSeconds(f), 0.01)).toFixed(3), '%C'),
  column('pgid', 'PGID', (f) => f.group, '%r'),
  column('pid', 'PID', (f) => f.pid, '%p'),
  column('ppid', 'PPID', (f) => f.parent, '%P'),
  column('rgroup', 'RGROUP', (f) => f.inside.group(idOf(f, 'Gid', 0)), '%g'),
  column('rss', 'RSS', (f) => (f.status.get('VmRSS') ?? '0 kB').split(' ')[0] ?? '0'),
  column('ruser', 'RUSER', (f) => f.inside.user(idOf(f, 'Uid', 0)), '%u'),
  column('seccomp', 'SECCOMP', (f) => SECCOMP[f.status.get('Seccomp') ?? ''] ?? ''),
  column('state', 'STATE', (f) => f.stat.state),
  column('stime', 'STIME', (f) => startTime(f)),
  column('time', 'TIME', (f) => duration(cpuSeconds(f)), '%x'),
  column('tty', 'TTY', (f) => terminalName(f.stat.terminal), '%y'),
  column('user', 'USER', (f) => f.inside.user(idOf(f, 'Uid', 1)), '%U'),
  column('vsz', 'VSZ', (f) => String(f.stat.virtualBytes / 1024), '%z'),
]

/** By name or code; undefined for anything else. */
export function findDescriptor(text: string): Descriptor | undefined {
  return DESCRIPTORS.find(({ name, code }) => name === text || code === text)
}

const SECCOMP: Readonly<Record<string, string>> = { '0': 'disabled', '1': 'strict', '2': 'filter' }

/** Real, effective, saved and filesystem ids stand in a row. */
function idOf({ status }: ProcessFacts, name: 'Uid' | 'Gid', index: number): number {
  return Number(status.get(name)?.split('\t')[index] ?? 0)
}

function groupIds({ status }: ProcessFacts): readonly number[] {
  const text = status.get('Groups') ?? ''
  return text === '' ? [] : text.split(' ').map(Number)
}

function capabilities({ status }: ProcessFacts, set: string): string {
  const mask = BigInt(`0x${status.get(set) ?? '0'}`)
  const names = CAPABILITY_NAMES.filter((_, number) => (mask >> BigInt(number)) & 1n)
  if (names.length === 0) return 'none'
  if (names.length === CAPABILITY_NAMES.length) return 'full'
  return names
    .map((name) => name.slice('CAP_'.length))
    .toSorted()
    .join(',')
}

function cpuSeconds({ stat }: ProcessFacts): number {
  return (stat.userTicks + stat.systemTicks) / TICKS_PER_SECOND
}

function elapsedSeconds({ stat, uptime }: ProcessFacts): number {
  return Math.max(0, uptime - stat.startTicks / TICKS_PER_SECOND)
}

/** `1h2m3.45s`, as Go writes durations. */
export function duration(seconds: number): string {
  const hundredths = Math.round(seconds * 100)
  const [hours, minutes] = [Math.floor(hundredths / 360_000), Math.floor(hundredths / 6000) % 60]
  const rest = (hundredths % 6000) / 100
  if (hours > 0) return `${hours}h${minutes}m${rest}s`
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`
}

function startTime(facts: ProcessFacts): string {
  const time = new Date(facts.now - elapsedSeconds(facts) * 1000).toISOString()
  return `${time.slice(0, 10)} ${time.slice(11, 19)} +0000 UTC`
}

/** @see the kernel's Documentation/admin-guide/devices.txt */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00)
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`
  return major === 5 && minor === 1 ? 'console' : '?'
}
