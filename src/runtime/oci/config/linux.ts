import type { IdMapping } from '../../../base/idmap.ts'
import { NAMESPACE_FILE, type NamespaceType } from '../../../syscall/namespace.ts'
import {
  absolutePath,
  integer,
  isAbsent,
  type JsonNode,
  list,
  member,
  mismatch,
  oneOf,
  optional,
  refuse,
  text,
  textRecord,
  toJson,
} from './node.ts'
import { readId } from './process.ts'
import { readResources } from './resources.ts'
import type { OciDevice, OciLinux, OciNamespace, OciPropagation, OciTimeOffset } from './types.ts'

const MAX_UINT32 = 0xffffffff

/** @see config-linux.md */
export function readLinux(node: JsonNode): OciLinux {
  refuse(node, 'intelRdt', 'the cache belongs to the host')
  refuse(node, 'netDevices', 'a network device is moved by whoever owns it')
  refuse(node, 'memoryPolicy', 'the policy of the caller stays')
  const namespaces = list(node, 'namespaces', readNamespace)
  const twice = namespaces.find(({ type }, index) => namespaces.findIndex((n) => n.type === type) !== index)
  if (twice)
    throw mismatch({ ...member(node, 'namespaces'), value: twice.type }, 'each type of namespace once')
  const seccomp = member(node, 'seccomp')
  return {
    namespaces,
    uidMappings: list(node, 'uidMappings', readMapping),
    gidMappings: list(node, 'gidMappings', readMapping),
    timeOffsets: readTimeOffsets(member(node, 'timeOffsets')),
    resources: readResources(member(node, 'resources')),
    cgroupsPath: optional(node, 'cgroupsPath', text) || undefined,
    devices: list(node, 'devices', readDevice),
    sysctl: textRecord(node, 'sysctl'),
    maskedPaths: list(node, 'maskedPaths', absolutePath),
    readonlyPaths: list(node, 'readonlyPaths', absolutePath),
    rootfsPropagation: optional(node, 'rootfsPropagation', readPropagation),
    mountLabel: optional(node, 'mountLabel', text) || undefined,
    personality: readPersonality(member(node, 'personality')),
    seccomp: isAbsent(seccomp) ? undefined : toJson(seccomp),
  }
}

const NAMESPACE_TYPES = Object.keys(NAMESPACE_FILE).filter((name): name is NamespaceType =>
  Object.hasOwn(NAMESPACE_FILE, name),
)

function readNamespace(node: JsonNode): OciNamespace {
  const path = optional(node, 'path', text)
  return {
    type: oneOf(member(node, 'type'), NAMESPACE_TYPES),
    path: path === undefined || path === '' ? undefined : absolutePath(member(node, 'path')),
  }
}

function readMapping(node: JsonNode): IdMapping {
  return {
    containerId: integer(member(node, 'containerID'), 0, MAX_UINT32),
    hostId: integer(member(node, 'hostID'), 0, MAX_UINT32),
    size: integer(member(node, 'size'), 1, MAX_UINT32),
  }
}

function readTimeOffsets(node: JsonNode): readonly OciTimeOffset[] {
  return (['monotonic', 'boottime'] as const).flatMap((clock) => {
    const offset = member(node, clock)
    if (isAbsent(offset)) return []
    const seconds = optional(offset, 'secs', (n) =>
      integer(n, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    )
    const nanoseconds = optional(offset, 'nanosecs', (n) => integer(n, 0, 999_999_999))
    return [{ clock, seconds: seconds ?? 0, nanoseconds: nanoseconds ?? 0 }]
  })
}

function readDevice(node: JsonNode): OciDevice {
  const type = oneOf(member(node, 'type'), ['c', 'b', 'u', 'p'])
  const number = (key: string) => optional(node, key, (n) => integer(n, -1, MAX_UINT32)) ?? 0
  return {
    type: type === 'u' ? 'c' : type,
    path: absolutePath(member(node, 'path')),
    major: number('major'),
    minor: number('minor'),
    uid: optional(node, 'uid', readId),
    gid: optional(node, 'gid', readId),
    fileMode: optional(node, 'fileMode', (mode) => integer(mode, 0, MAX_UINT32) & 0o7777),
  }
}

export const PROPAGATION_TYPES: readonly OciPropagation['type'][] = [
  'private',
  'slave',
  'shared',
  'unbindable',
]

/** `slave`, or `rslave` for all mounts below; undefined for any other word. */
export function propagationOf(word: string): OciPropagation | undefined {
  const recursive = word.startsWith('r')
  const name = recursive ? word.slice(1) : word
  const type = PROPAGATION_TYPES.find((known) => known === name)
  return type && { type, recursive }
}

function readPropagation(node: JsonNode): OciPropagation | undefined {
  const word = text(node)
  const found = propagationOf(word)
  if (!found && word !== '') throw mismatch(node, 'one of private, slave, shared, unbindable')
  return found
}

function readPersonality(node: JsonNode): OciLinux['personality'] {
  if (isAbsent(node)) return undefined
  refuse(node, 'flags', 'the kernel has no safe ones')
  return oneOf(member(node, 'domain'), ['LINUX', 'LINUX32'])
}
