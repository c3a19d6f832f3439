import { readProc } from '../../../syscall/procFile.ts'
import { addTransfers, type Transfer } from './usage.ts'

/** What a cgroup of the container's own tells; each part is there only where its controller is delegated. */
export interface CgroupUsage {
  readonly cpuNs?: number
  readonly memory?: number
  /** Missing for no limit. */
  readonly memoryLimit?: number
  readonly pids?: number
  readonly block?: Transfer
}

/** Where the unified hierarchy may be mounted. */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']

/** undefined where the container shares a cgroup with others. @param id names the cgroup of a container */
export function cgroupUsage(init: number, id: string): CgroupUsage | undefined {
  const path = ownCgroup(readProc(`/proc/${init}/cgroup`) ?? '', id)
  if (path === undefined) return undefined
  const mount = MOUNTS.find((place) => readProc(`${place}${path}/cgroup.procs`) !== undefined)
  if (mount === undefined) return undefined
  const read = (name: string) => readProc(`${mount}${path}/${name}`)
  const cpu = flatKeyed(read('cpu.stat') ?? '').get('usage_usec')
  const [memory, limit, pids, io] = ['memory.current', 'memory.max', 'pids.current', 'io.stat'].map(read)
  return {
    ...(cpu !== undefined && { cpuNs: cpu * 1000 }),
    ...(memory !== undefined && { memory: Number(memory) }),
    ...(limit !== undefined && limit.trim() !== 'max' && { memoryLimit: Number(limit) }),
    ...(pids !== undefined && { pids: Number(pids) }),
    ...(io !== undefined && { block: parseIoStat(io) }),
  }
}

const LEAF = 'container'

/** The path in the unified hierarchy, from where the container's id stands in it. @param text of /proc/PID/cgroup */
export function ownCgroup(text: string, id: string): string | undefined {
  const path = /^0::(.*)$/m.exec(text)?.[1]
  if (path === undefined) return undefined
  const parts = path.split('/')
  const own = parts.findIndex((part) => part.includes(id))
  if (own === -1) return undefined
  // The limits of a scope's container are set one below.
  return parts.slice(0, own + (parts[own + 1] === LEAF ? 2 : 1)).join('/')
}

function flatKeyed(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split('\n').map((line) => {
      const [key = '', value = '0'] = line.split(' ')
      return [key, Number(value)]
    }),
  )
}

/** `8:0 rbytes=1 wbytes=2 ...`, a line for each device. */
export function parseIoStat(text: string): Transfer {
  const bytes = (line: string, key: string) => Number(new RegExp(`\\b${key}=(\\d+)`).exec(line)?.[1] ?? 0)
  return addTransfers(
    text.split('\n').map((line) => ({ input: bytes(line, 'rbytes'), output: bytes(line, 'wbytes') })),
  )
}
