import { shortId } from '../../base/shortId.ts'
import { findContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import type { Engine } from '../engine.ts'
import { joinTarget } from './joins.ts'
import type { ContainerRequest } from './request.ts'
import { storedConfig } from './stored.ts'

/** What a container is called; that of another one whose name it shares. Empty where nothing of bryo's has chosen it. */
export function hostnameOf(
  engine: Pick<Engine, 'store'>,
  { id }: Pick<ContainerRecord, 'id'>,
  { hostname, uts }: Pick<ContainerRequest, 'hostname' | 'uts'>,
): string {
  if (uts === 'private') return hostname ?? shortId(id)
  const target = joinTarget(uts)
  const other = target?.kind === 'container' ? findContainer(engine.store, target.container) : undefined
  return other ? hostnameOf(engine, other, storedConfig(other).request) : ''
}
