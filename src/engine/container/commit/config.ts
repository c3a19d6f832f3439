import type { ImageConfig } from '../../../base/image.ts'
import type { JsonObject } from '../../../base/json.ts'
import { type ConfigChanges, mergeEnv } from '../../../image/changes.ts'
import type { ContainerRequest } from '../request.ts'
import type { VolumeUse } from '../volumes.ts'

export interface CommittedConfig {
  readonly request: ContainerRequest
  readonly volumes: readonly VolumeUse[]
  /** Of the image that the container was made from. */
  readonly image: ImageConfig | undefined
  /** The same as it came: what has no meaning here stays as it is. */
  readonly raw: JsonObject
  readonly changes: ConfigChanges
  /** Paths of all volumes that the user has asked for; else of those without a name. */
  readonly includeVolumes: boolean
}

/** The `config` member of the new image: the image's, then what the container was told, then the changes. Pure. */
export function committedConfig(parts: CommittedConfig): JsonObject {
  const { request, image, raw, changes } = parts
  const merged = {
    ...raw,
    ...commandOf(parts),
    Env: envOf(parts),
    Labels: { ...image?.labels, ...request.labels, ...changes.Labels },
    ExposedPorts: {
      ...emptyObjects(image?.exposedPorts ?? []),
      ...emptyObjects(portsOf(request)),
      ...changes.ExposedPorts,
    },
    Volumes: { ...emptyObjects(volumesOf(parts)), ...changes.Volumes },
    WorkingDir: changes.WorkingDir ?? request.workdir ?? image?.workingDir ?? '',
    User: changes.User ?? request.user ?? image?.user ?? '',
    StopSignal: changes.StopSignal ?? request.stopSignal ?? image?.stopSignal ?? '',
    OnBuild: [...(Array.isArray(raw.OnBuild) ? raw.OnBuild : []), ...(changes.OnBuild ?? [])],
  }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => !isEmpty(value)))
}

/** A new entrypoint without a command makes the old command meaningless. */
function commandOf({ request, image, changes }: CommittedConfig) {
  const entrypoint = changes.Entrypoint ?? request.entrypoint ?? image?.entrypoint ?? []
  const inherited = request.entrypoint === undefined ? (image?.cmd ?? []) : []
  const own = request.command.length > 0 ? request.command : inherited
  return { Entrypoint: entrypoint, Cmd: changes.Cmd ?? (changes.Entrypoint ? [] : own) }
}

function envOf({ request, image, changes }: CommittedConfig): readonly string[] {
  const kept = request.unsetEnv.includes('*')
    ? []
    : (image?.env ?? []).filter((entry) => !request.unsetEnv.includes(entry.split('=', 1)[0] ?? ''))
  return [...request.env, ...(changes.Env ?? [])].reduce(mergeEntry, kept)
}

function mergeEntry(env: readonly string[], entry: string): readonly string[] {
  const equals = entry.indexOf('=')
  return equals === -1 ? env : mergeEnv(env, [[entry.slice(0, equals), entry.slice(equals + 1)]])
}

/** `80`, `8080:80/udp`, `127.0.0.1::80-90`: the ports inside. */
function portsOf({ expose, publish }: ContainerRequest): readonly string[] {
  return [...expose, ...publish].flatMap((text) => {
    const [, first, last = first, protocol = 'tcp'] =
      /(?:^|:)(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(text) ?? []
    if (first === undefined) return []
    const count = Number(last) - Number(first) + 1
    return Array.from({ length: count }, (_, index) => `${Number(first) + index}/${protocol}`)
  })
}

function volumesOf({ request, volumes, image, includeVolumes }: CommittedConfig): readonly string[] {
  const asked = request.mounts.filter(({ type }) => type === 'bind' || type === 'volume')
  const targets = new Set(asked.map(({ target }) => target))
  const anonymous = volumes.filter((use) => use.anonymous && targets.has(use.target))
  const chosen = includeVolumes ? asked : anonymous
  return [...(image?.volumes ?? []), ...chosen.map(({ target }) => target)]
}

function emptyObjects(keys: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(keys.map((key) => [key, {}]))
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value == null) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
