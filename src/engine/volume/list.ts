import { BryoError } from '../../base/errors.ts'
import { matchesLabel } from '../../base/labels.ts'
import { readContainers } from '../../storage/container/find.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { findVolume, readVolume, readVolumes, type Volume } from '../../storage/volume/volumes.ts'
import type { Engine } from '../engine.ts'
import { parseVolumeOptions } from './options.ts'

/** Keys that {@link listVolumes} knows. */
export const VOLUME_FILTERS = [
  ...['anonymous', 'dangling', 'driver', 'label', 'label!', 'name', 'opt', 'scope', 'until'],
] as const

export interface ListedVolume {
  readonly volume: Volume
  /** Names of the containers that have it. */
  readonly users: readonly string[]
  /** How many of them run. */
  readonly mountCount: number
}

export interface ListVolumesRequest {
  /** Values by key: a volume must match all keys, and of each key at least one value (of labels every value). */
  readonly filters: ReadonlyMap<string, readonly string[]>
  /** For `until`; milliseconds since 1970. */
  readonly parseTime: (text: string) => number
}

/** The volumes by name. @throws BryoError USAGE */
export function listVolumes(engine: Engine, request?: ListVolumesRequest): readonly ListedVolume[] {
  const describe = describer(engine)
  const keep = [...(request?.filters ?? [])].map(([key, values]) =>
    filterOf(key, values, request?.parseTime ?? Number),
  )
  return readVolumes(engine.store)
    .map(describe)
    .filter((volume) => keep.every((fits) => fits(volume)))
}

/** One volume, by name or an unambiguous beginning of it. @throws BryoError NOT_FOUND, AMBIGUOUS */
export function describeVolume(engine: Engine, name: string): ListedVolume {
  return describer(engine)(findVolume(engine.store, name))
}

/** By its whole name. */
export function volumeExists({ store }: Engine, name: string): boolean {
  return readVolume(store, name) !== undefined
}

/** All containers are read once. */
function describer({ store }: Engine): (volume: Volume) => ListedVolume {
  const users = new Map<string, { readonly names: string[]; running: number }>()
  for (const container of readContainers(store)) {
    if (container.volumes.length === 0) continue
    const runs = isLive(effectiveState(store, container.id))
    for (const name of new Set(container.volumes)) {
      const entry = users.get(name) ?? { names: [], running: 0 }
      entry.names.push(container.name)
      if (runs) entry.running += 1
      users.set(name, entry)
    }
  }
  return (volume) => {
    const entry = users.get(volume.name)
    return { volume, users: entry?.names ?? [], mountCount: entry?.running ?? 0 }
  }
}

type Fits = (listed: ListedVolume) => boolean

function filterOf(key: string, values: readonly string[], parseTime: (text: string) => number): Fits {
  switch (key) {
    case 'name': {
      const patterns = values.map(pattern)
      return ({ volume }) => patterns.some((expression) => expression.test(volume.name))
    }
    case 'driver':
      return ({ volume }) => values.includes(volume.driver)
    case 'scope':
      return () => values.includes('local')
    case 'label':
      return ({ volume }) => values.every((value) => matchesLabel(volume.labels, value))
    case 'label!':
      return ({ volume }) => !values.some((value) => matchesLabel(volume.labels, value))
    case 'opt':
      return ({ volume }) => values.some((value) => matchesLabel(volume.options, value))
    case 'dangling': {
      const wanted = values.map((value) => booleanOf(key, value))
      return ({ users }) => wanted.includes(users.length === 0)
    }
    case 'anonymous': {
      const wanted = values.map((value) => booleanOf(key, value))
      return ({ volume }) => wanted.includes(volume.anonymous)
    }
    case 'until': {
      const until = Math.max(...values.map(parseTime))
      return ({ volume }) => Date.parse(volume.created) < until
    }
    default:
      throw new BryoError('USAGE', `"${key}" is an invalid volume filter`)
  }
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (cause) {
    throw new BryoError('USAGE', `invalid filter "name=${text}", expected a regular expression`, { cause })
  }
}

function booleanOf(key: string, value: string): boolean {
  if (/^(?:true|1|t)$/i.test(value)) return true
  if (/^(?:false|0|f)$/i.test(value)) return false
  throw new BryoError(
    'USAGE',
    `"${value}" is not a valid value for the "${key}" filter - must be true or false`,
  )
}

/** The document of `volume inspect`: members that say nothing are left out, as Podman does it. */
export function volumeDocument({ volume, mountCount }: ListedVolume): Readonly<Record<string, unknown>> {
  const content = parseVolumeOptions(volume.options)
  const owner = content.kind === 'directory' ? content.owner : undefined
  return {
    Name: volume.name,
    Driver: volume.driver,
    Mountpoint: volume.path,
    CreatedAt: volume.created,
    Labels: volume.labels,
    Scope: 'local',
    Options: volume.options,
    ...(owner?.uid !== undefined && { UID: owner.uid }),
    ...(owner?.gid !== undefined && { GID: owner.gid }),
    ...(volume.anonymous && { Anonymous: true }),
    MountCount: mountCount,
    ...(volume.needsCopyUp && { NeedsCopyUp: true }),
  }
}
