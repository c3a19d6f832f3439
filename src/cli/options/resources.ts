import { CGROUP_MODES, type DeviceRate, type DeviceWeight } from '../../base/resources.ts'
import { choice, commaMany, count, integer, many, text, value } from '../flags/kinds.ts'
import { parseKeyValue } from '../parse/keyValue.ts'
import { parseSize } from '../parse/size.ts'

const SIZE = { placeholder: 'size', parse: parseSize }

/** Swap may have no limit. */
function parseSwap(given: string): number {
  return given === '-1' ? -1 : parseSize(given)
}

function parseCpus(given: string): number {
  const number = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : Number.NaN
  if (!Number.isFinite(number)) throw new Error('expected a number of processors such as 0.5 or 2')
  return number
}

/** `/dev/sda:1mb`, `/dev/sda:1000`. */
function rate(kind: DeviceRate['kind'], help: string) {
  const parse = (given: string): DeviceRate => {
    const colon = given.lastIndexOf(':')
    const path = given.slice(0, Math.max(colon, 0))
    if (!path.startsWith('/')) throw new Error('expected /dev/NAME:RATE')
    const number = given.slice(colon + 1)
    if (!kind.endsWith('bps') && !/^\d+$/.test(number)) throw new Error('expected a number of operations')
    return { path, kind, rate: parseSize(number) }
  }
  return commaMany({ help, placeholder: 'device:rate', parse })
}

function parseDeviceWeight(given: string): DeviceWeight {
  const [, path, weight] = /^(\/.+):(\d+)$/.exec(given) ?? []
  if (path === undefined) throw new Error('expected /dev/NAME:WEIGHT')
  return { path, weight: Number(weight) }
}

/** What `update` can change while a container runs. */
export const LIMIT_FLAGS = {
  'blkio-weight': count({ help: 'Share of block devices, 10 to 1000' }),
  'blkio-weight-device': commaMany({
    placeholder: 'device:weight',
    help: 'Share of one block device, 10 to 1000',
    parse: parseDeviceWeight,
  }),
  'cpu-period': count({ help: 'Period that --cpu-quota counts in, in microseconds', defaultText: '100000' }),
  'cpu-quota': integer({ help: 'Processor time of each period, in microseconds; -1 for no limit' }),
  'cpu-shares': count({ short: 'c', help: 'Share of the processors, 1024 for the usual one' }),
  cpus: value({ placeholder: 'number', help: 'At most so many processors', parse: parseCpus }),
  'cpuset-cpus': text({ help: 'Run on these processors: 0-2,4' }),
  'cpuset-mems': text({ help: 'Use memory of these nodes: 0-1' }),
  'device-read-bps': rate('rbps', 'Read at most so many bytes a second from a device'),
  'device-read-iops': rate('riops', 'Read at most so often a second from a device'),
  'device-write-bps': rate('wbps', 'Write at most so many bytes a second to a device'),
  'device-write-iops': rate('wiops', 'Write at most so often a second to a device'),
  memory: value({ ...SIZE, short: 'm', help: 'At most so much memory' }),
  'memory-reservation': value({ ...SIZE, help: 'Memory that is left to the container when it gets scarce' }),
  'memory-swap': value({
    placeholder: 'size',
    help: 'Memory and swap together; -1 for any amount of swap',
    parse: parseSwap,
  }),
  'pids-limit': integer({ help: 'At most so many processes; -1 for no limit', defaultText: '2048' }),
}

/** Limits, and the control group that holds a container to them. */
export const RESOURCE_FLAGS = {
  ...LIMIT_FLAGS,
  'cgroup-conf': many({
    help: 'Write into a file of the control group: memory.high=1073741824',
    parse: parseKeyValue,
  }),
  'cgroup-parent': text({ help: 'Make the control group in this slice or group' }),
  cgroups: choice(CGROUP_MODES, {
    help: 'Whether there is a control group: enabled, disabled, no-conmon, split',
    defaultText: '"enabled"',
  }),
  'oom-score-adj': integer({ help: 'Rank among the victims when memory runs out, -1000 to 1000' }),
}
