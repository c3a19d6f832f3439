import { BryoError } from '../../base/errors.ts'
import { findContainer, requireContainer } from '../../storage/container/find.ts'
import { effectiveState } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import type { CreateOptions } from './create.ts'
import { isUp } from './list.ts'
import { removeByName } from './remove.ts'
import { createOnly } from './run.ts'
import { storedConfig } from './stored.ts'
import { type ContainerUpdate, mergeUpdate } from './update.ts'

export interface CloneRequest {
  /** The container to copy. */
  readonly container: string
  /** NAME-clone by default, with a number where that is taken. */
  readonly name?: string | undefined
  /** Another image than the container's. */
  readonly image?: string | undefined
  /** The container goes when its copy is there. */
  readonly destroy: boolean
  /** Also where it runs. */
  readonly force: boolean
  /** Settings that the copy has instead. */
  readonly update?: ContainerUpdate
}

/**
 * `container clone`: makes a container with the settings of another, and nothing of what that wrote. Named volumes are shared.
 * @returns the id
 * @throws BryoError NOT_FOUND, NAME_IN_USE, INVALID_STATE where a running one is to be destroyed
 */
export async function cloneContainer(
  engine: Engine,
  clone: CloneRequest,
  options: CreateOptions,
): Promise<string> {
  const record = requireContainer(engine.store, clone.container)
  const state = effectiveState(engine.store, record.id)
  if (clone.destroy && !clone.force && isUp(state)) {
    throw new BryoError(
      'INVALID_STATE',
      `cannot destroy container "${record.name}" after cloning it: it is ${state.status}, expected created or exited`,
      { hint: 'stop it first, or use --force' },
    )
  }
  const {
    cidfile: _,
    platform: __,
    ...request
  } = mergeUpdate(storedConfig(record).request, clone.update ?? {})
  // Its name may mean another image by now.
  const image = clone.image ?? record.image?.id
  const id = await createOnly(
    engine,
    {
      ...request,
      name: clone.name ?? freeName(engine, record.name),
      replace: false,
      pull: 'missing',
      ...(image !== undefined && { image }),
    },
    options,
  )
  if (clone.destroy) removeByName(engine, record.id, { force: clone.force, volumes: false, ignore: true })
  return id
}

function freeName({ store }: Engine, name: string): string {
  for (let count = 0; ; count += 1) {
    const candidate = `${name}-clone${count === 0 ? '' : count}`
    if (findContainer(store, candidate)?.name !== candidate) return candidate
  }
}
