import { readFileSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { BryoError } from '../../base/errors.ts'
import type { ResourceLimits } from '../../base/resources.ts'
import { runtimeDirectory } from '../../base/runtimeDirectory.ts'
import { findPlace } from '../../cgroup/place.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { asksForGroup } from './resources.ts'

const MEBIBYTE = 1024 * 1024
/** Less does not even hold what starts the workload. */
export const MIN_MEMORY = 6 * MEBIBYTE

/** What a host has, which limits are measured by. */
export interface HostResources {
  readonly memory: number
  /** Numbers of the processors. */
  readonly cpus: readonly number[]
  readonly memoryNodes: readonly number[]
}

/**
 * Finds limits that make no sense or cannot be set here, before there is a container.
 * @throws BryoError USAGE, UNSUPPORTED
 */
export function checkResources(engine: Engine, request: ContainerRequest): void {
  const { limits, cgroups, cgroupParent } = request
  if (limits !== undefined && cgroups === 'disabled')
    refuse('conflicting options: limits and --cgroups disabled')
  if (cgroupParent !== undefined && (cgroups === 'disabled' || cgroups === 'split'))
    refuse(`conflicting options: --cgroup-parent and --cgroups ${cgroups}`)
  if (!asksForGroup(request)) return
  if (limits !== undefined) {
    checkLimits(limits, readHostResources())
    for (const { path } of [...(limits.deviceRates ?? []), ...(limits.deviceWeights ?? [])]) blockDevice(path)
  }
  findPlace({
    id: 'check',
    mode: cgroups ?? 'enabled',
    parent: cgroupParent,
    runtimeDirectory: runtimeDirectory(engine.facts),
  })
}

export function readHostResources(): HostResources {
  return {
    memory: totalmem(),
    cpus: readRanges('/sys/devices/system/cpu/online'),
    memoryNodes: readRanges('/sys/devices/system/node/online'),
  }
}

function readRanges(path: string): readonly number[] {
  try {
    return parseRanges(readFileSync(path, 'utf8').trim()) ?? []
  } catch {
    // Kernels without NUMA have no nodes.
    return [0]
  }
}

const RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/

/** The numbers of `0-2,4`; undefined for another text. */
export function parseRanges(text: string): readonly number[] | undefined {
  const parts = text.split(',').map((part) => RANGE.exec(part.trim()))
  const numbers = parts.map((part) => {
    if (!part) return undefined
    const [first, last] = [Number(part[1]), Number(part[2] ?? part[1])]
    return last < first ? undefined : Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  return numbers.includes(undefined) ? undefined : numbers.flatMap((list) => list ?? [])
}

/** @throws BryoError USAGE */
export function checkLimits(limits: ResourceLimits, host: HostResources): void {
  checkMemory(limits, host)
  checkCpu(limits, host)
  checkSet('--cpuset-cpus', limits.cpusetCpus, host.cpus)
  checkSet('--cpuset-mems', limits.cpusetMems, host.memoryNodes)
  checkRange('--blkio-weight', limits.blkioWeight, 10, 1000)
  for (const { weight } of limits.deviceWeights ?? []) checkRange('--blkio-weight-device', weight, 10, 1000)
  for (const [file, value] of Object.entries(limits.cgroupConf ?? {})) {
    if (!/^[a-z]+(?:\.\w+)+$/.test(file) || file.startsWith('cgroup.'))
      refuse(
        `invalid value "${file}=${value}" for --cgroup-conf: expected a file of a controller, such as memory.high`,
      )
  }
}

function checkMemory({ memory, memorySwap, memoryReservation }: ResourceLimits, host: HostResources): void {
  if (memory !== undefined && memory !== 0) {
    if (memory < MIN_MEMORY) refuse(`invalid value ${memory} for --memory: expected at least 6 MB (6291456)`)
    if (memory > host.memory) {
      refuse(
        `invalid value ${memory} for --memory: this host has ${host.memory} bytes, expected at most that`,
      )
    }
  }
  if (memorySwap !== undefined && memorySwap !== -1 && memorySwap !== 0) {
    if (memory === undefined || memory === 0)
      refuse('cannot use --memory-swap without --memory: swap counts on top of it')
    else if (memorySwap < memory)
      refuse(
        `invalid value ${memorySwap} for --memory-swap: expected at least --memory, ${memory}, which it contains`,
      )
  }
  if (memoryReservation !== undefined && memory && memoryReservation > memory)
    refuse(
      `invalid value ${memoryReservation} for --memory-reservation: expected at most --memory, ${memory}`,
    )
}

function checkCpu({ cpus, cpuPeriod, cpuQuota, cpuShares }: ResourceLimits, host: HostResources): void {
  if (cpus !== undefined) {
    if ((cpuPeriod ?? cpuQuota) !== undefined)
      refuse('conflicting options: --cpus sets what --cpu-period and --cpu-quota set')
    if (cpus !== 0 && (cpus < 0.01 || cpus > host.cpus.length))
      refuse(
        `invalid value ${cpus} for --cpus: expected 0.01 to ${host.cpus.length}, as many as this host has`,
      )
  }
  checkRange('--cpu-period', cpuPeriod, 1000, 1_000_000)
  if (cpuQuota !== undefined && cpuQuota > 0 && cpuQuota < 1000)
    refuse(
      `invalid value ${cpuQuota} for --cpu-quota: expected at least 1000 microseconds, or -1 for no limit`,
    )
  checkRange('--cpu-shares', cpuShares, 2, 262_144)
}

/** 0 stands for the default. */
function checkRange(option: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || value === 0 || (value >= least && value <= most)) return
  refuse(`invalid value ${value} for ${option}: expected ${least} to ${most}`)
}

function checkSet(option: string, text: string | undefined, available: readonly number[]): void {
  if (text === undefined || text === '') return
  const numbers = parseRanges(text)
  if (!numbers)
    throw new BryoError(
      'USAGE',
      `invalid value "${text}" for ${option}: expected numbers and ranges such as 0-2,4`,
    )
  const missing = numbers.find((number) => !available.includes(number))
  if (missing !== undefined)
    refuse(`invalid value "${text}" for ${option}: this host has ${available.join(',')}, and no ${missing}`)
}

/** Number of a block device as cgroups write it. @throws BryoError USAGE, NOT_FOUND */
export function blockDevice(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false })
  if (!status)
    throw new BryoError('NOT_FOUND', `cannot limit "${path}": it does not exist, expected a block device`)
  if (!status.isBlockDevice()) return refuse(`cannot limit "${path}": it is no block device`)
  const device = BigInt(status.rdev)
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn)
  return `${major}:${minor}`
}

function refuse(message: string): never {
  throw new BryoError('USAGE', message)
}
