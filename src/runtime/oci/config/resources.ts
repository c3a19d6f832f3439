import { IO_RATES, type OciIo, type OciResources } from '../../../base/ociResources.ts'
import {
  integer,
  isAbsent,
  type JsonNode,
  list,
  member,
  mismatch,
  nonEmpty,
  optional,
  parseJson,
  text,
  textRecord,
} from './node.ts'

/** Engines write the greatest 64-bit number for no limit, which a double has as a greater one yet. */
const MAX_AMOUNT = 2 ** 64
const MAX_DEVICE = 0xffffffff
const MAX_BLOCK_WEIGHT = 1000

/** Reads the file of `update --resources`. @throws BryoError USAGE that names the place */
export function parseResources(content: string, document: string): OciResources {
  return readResources(parseJson(content, document))
}

/** What only version 1 has, and rules for devices, which take rights over the host, are passed over: see the man page. */
export function readResources(node: JsonNode): OciResources {
  const [memory, cpu, pids] = ['memory', 'cpu', 'pids'].map((key) => member(node, key))
  if (!memory || !cpu || !pids) throw mismatch(node, 'an object')
  return {
    memory: {
      limit: optional(memory, 'limit', amount),
      reservation: optional(memory, 'reservation', amount),
      swap: optional(memory, 'swap', amount),
    },
    cpu: {
      shares: optional(cpu, 'shares', amount),
      quota: optional(cpu, 'quota', amount),
      period: optional(cpu, 'period', amount),
      burst: optional(cpu, 'burst', amount),
      idle: optional(cpu, 'idle', (idle) => integer(idle, 0, 1)),
      cpus: optional(cpu, 'cpus', text) || undefined,
      mems: optional(cpu, 'mems', text) || undefined,
    },
    pidsLimit: optional(pids, 'limit', amount),
    io: readIo(member(node, 'blockIO')),
    hugepages: list(node, 'hugepageLimits', (limit) => ({
      pageSize: pageSize(member(limit, 'pageSize')),
      limit: amount(member(limit, 'limit')),
    })),
    rdma: readRdma(member(node, 'rdma')),
    unified: readUnified(node),
  }
}

/** A whole number; -1, and what is more than can be counted, for no limit. */
function amount(node: JsonNode): number {
  const { value } = node
  if (typeof value !== 'number' || !Number.isInteger(value) || value < -MAX_AMOUNT || value > MAX_AMOUNT) {
    throw mismatch(node, 'a whole number')
  }
  return value < 0 || value > Number.MAX_SAFE_INTEGER ? -1 : value
}

const THROTTLES = {
  rbps: 'throttleReadBpsDevice',
  wbps: 'throttleWriteBpsDevice',
  riops: 'throttleReadIOPSDevice',
  wiops: 'throttleWriteIOPSDevice',
} as const

function readIo(node: JsonNode): OciIo {
  return {
    weight: optional(node, 'weight', blockWeight) || undefined,
    deviceWeights: list(node, 'weightDevice', (entry) => ({
      device: deviceNumber(entry),
      weight: optional(entry, 'weight', blockWeight) ?? 0,
    })).filter(({ weight }) => weight !== 0),
    rates: IO_RATES.flatMap((kind) =>
      list(node, THROTTLES[kind], (entry) => ({
        device: deviceNumber(entry),
        kind,
        rate: amount(member(entry, 'rate')),
      })),
    ),
  }
}

/** 0 for none. */
function blockWeight(node: JsonNode): number {
  return node.value === 0 ? 0 : integer(node, 10, MAX_BLOCK_WEIGHT)
}

function deviceNumber(node: JsonNode): string {
  const [major, minor] = ['major', 'minor'].map((key) => integer(member(node, key), 0, MAX_DEVICE))
  return `${major}:${minor}`
}

/** `2MB`, which is part of a file's name. */
function pageSize(node: JsonNode): string {
  const size = text(node)
  if (!/^\d+[KMG]B$/.test(size)) throw mismatch(node, 'a size such as 2MB')
  return size
}

function readRdma(node: JsonNode): OciResources['rdma'] {
  if (isAbsent(node)) return []
  if (typeof node.value !== 'object') throw mismatch(node, 'an object')
  return Object.keys(node.value ?? {}).map((device) => {
    const limits = member(node, device)
    if (!/^[\w.-]+$/.test(device)) throw mismatch(limits, 'nothing: no device has such a name')
    return {
      device,
      handles: optional(limits, 'hcaHandles', amount),
      objects: optional(limits, 'hcaObjects', amount),
    }
  })
}

/** Of the container's own group alone, which a path could leave. */
function readUnified(node: JsonNode): Readonly<Record<string, string>> {
  const files = textRecord(node, 'unified')
  for (const file of Object.keys(files)) {
    if (!/^[A-Za-z0-9_]+\.[A-Za-z0-9_.-]+$/.test(file))
      throw mismatch({ ...member(node, 'unified'), value: file }, 'names of files such as memory.high')
    nonEmpty(member(member(node, 'unified'), file))
  }
  return files
}
