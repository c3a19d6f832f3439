import { BryoError } from '../../../base/errors.ts'
import { readLinux } from './linux.ts'
import {
  absolutePath,
  flag,
  integer,
  isAbsent,
  type JsonNode,
  list,
  member,
  mismatch,
  nonEmpty,
  optional,
  parseJson,
  refuse,
  text,
  textRecord,
} from './node.ts'
import { NO_PROCESS, readProcess } from './process.ts'
import {
  HOOK_KINDS,
  type HookKind,
  type OciConfig,
  type OciHook,
  type OciHooks,
  type OciMount,
  type OciProcess,
} from './types.ts'

/** More than any engine writes, and little enough to be read at once. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024
const MAX_TIMEOUT_SECONDS = 365 * 24 * 3600
const MAX_HOSTNAME_BYTES = 64

/**
 * Reads a container's configuration, which somebody else wrote.
 * @param document the file's name, for messages
 * @throws BryoError USAGE that names the place; UNSUPPORTED for what this program cannot do, and would have to leave out
 */
export function parseConfig(content: string, document: string): OciConfig {
  const node = parseJson(content, document)
  const ociVersion = readVersion(member(node, 'ociVersion'))
  refuse(node, 'vm', 'containers are processes here')
  const root = member(node, 'root')
  return {
    ociVersion,
    root: { path: nonEmpty(member(root, 'path')), readonly: optional(root, 'readonly', flag) ?? false },
    process: optional(node, 'process', readProcess) ?? NO_PROCESS,
    hostname: optional(node, 'hostname', readHostname) || undefined,
    domainname: optional(node, 'domainname', readHostname) || undefined,
    mounts: list(node, 'mounts', readMount),
    hooks: readHooks(member(node, 'hooks')),
    annotations: textRecord(node, 'annotations'),
    linux: readLinux(required(node, 'linux')),
  }
}

/** Reads the process of `exec --process`. @throws as {@link parseConfig} */
export function parseProcess(content: string, document: string): OciProcess {
  return readProcess(parseJson(content, document))
}

function required(node: JsonNode, key: string): JsonNode {
  const found = member(node, key)
  if (isAbsent(found)) throw mismatch(found, 'an object')
  return found
}

/** Every 1.x is compatible with the ones before it. */
function readVersion(node: JsonNode): string {
  const version = nonEmpty(node)
  if (!/^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*)?$/.test(version))
    throw mismatch(node, 'a version such as 1.2.0')
  if (!version.startsWith('1.')) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot use "${node.document}": ociVersion is ${version.slice(0, 40)}, expected 1.x`,
    )
  }
  return version
}

function readHostname(node: JsonNode): string {
  const name = text(node)
  if (Buffer.byteLength(name) > MAX_HOSTNAME_BYTES)
    throw mismatch(node, `at most ${MAX_HOSTNAME_BYTES} bytes`)
  return name
}

/** Destinations were once relative to the root; they are read so. */
function readMount(node: JsonNode): OciMount {
  const destination = nonEmpty(member(node, 'destination'))
  refuse(node, 'uidMappings', 'mounts with ids of their own')
  refuse(node, 'gidMappings', 'mounts with ids of their own')
  return {
    destination: destination.startsWith('/') ? destination : `/${destination}`,
    type: optional(node, 'type', text) || undefined,
    source: optional(node, 'source', text) || undefined,
    options: list(node, 'options', text).filter((option) => option !== ''),
  }
}

function readHooks(node: JsonNode): OciHooks {
  const hooks: Partial<Record<HookKind, readonly OciHook[]>> = {}
  for (const kind of HOOK_KINDS) hooks[kind] = list(node, kind, readHook)
  const { prestart = [], createRuntime = [], createContainer = [] } = hooks
  const { startContainer = [], poststart = [], poststop = [] } = hooks
  return { prestart, createRuntime, createContainer, startContainer, poststart, poststop }
}

function readHook(node: JsonNode): OciHook {
  return {
    path: absolutePath(member(node, 'path')),
    args: list(node, 'args', text),
    env: list(node, 'env', text),
    timeoutSeconds: optional(node, 'timeout', (seconds) => integer(seconds, 1, MAX_TIMEOUT_SECONDS)),
  }
}
