import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../storage/container/find.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest, MountRequest } from './request.ts'
import { storedConfig } from './stored.ts'
import { normalise } from './volumes.ts'

const OPTIONS: readonly string[] = ['ro', 'rw', 'z']

/**
 * `--volumes-from`: a request with the volumes and bind mounts of other containers among its own. What it mounts itself goes before
 * theirs at the same place, and a container that is named first before the next.
 * @throws BryoError NOT_FOUND, USAGE for an unknown option
 */
export function withVolumesFrom(engine: Engine, request: ContainerRequest): ContainerRequest {
  const { volumesFrom = [], ...rest } = request
  if (volumesFrom.length === 0) return request
  const taken = new Set(request.mounts.map(({ target }) => normalise(target)))
  const inherited = volumesFrom
    .flatMap((text) => mountsOf(engine, text))
    .filter(({ target }) => {
      const isFree = !taken.has(normalise(target))
      taken.add(normalise(target))
      return isFree
    })
  return { ...rest, mounts: [...request.mounts, ...inherited] }
}

/** @param text `CONTAINER[:OPTION,...]` */
function mountsOf(engine: Engine, text: string): readonly MountRequest[] {
  const colon = text.indexOf(':')
  const name = colon === -1 ? text : text.slice(0, colon)
  const options = colon === -1 ? [] : text.slice(colon + 1).split(',')
  const unknown = options.find((option) => !OPTIONS.includes(option))
  if (unknown !== undefined) {
    throw new BryoError('USAGE', `invalid option "${unknown}" of --volumes-from, expected ro, rw or z`)
  }
  const { request, volumes } = storedConfig(requireContainer(engine.store, name))
  const access = options.filter((option) => option !== 'z')
  const change = (own: readonly string[]) =>
    access.length === 0 ? own : [...own.filter((option) => option !== 'ro' && option !== 'rw'), ...access]
  const binds = request.mounts.filter((mount) => mount.type === 'bind')
  return [
    ...volumes.map(
      (volume): MountRequest => ({
        type: 'volume',
        name: volume.name,
        target: volume.target,
        options: change(volume.options),
      }),
    ),
    ...binds.map((mount): MountRequest => ({ ...mount, options: change(mount.options) })),
  ]
}
