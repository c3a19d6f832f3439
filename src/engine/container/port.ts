import type { ContainerId } from '../../base/brand.ts'
import type { PortMapping } from '../../base/port.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { effectiveState } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import { isUp, listContainers, publishedPorts } from './list.ts'
import { storedConfig } from './stored.ts'

/** Ports of a container, without those for which no host port is chosen yet. @throws BryoError NOT_FOUND, AMBIGUOUS */
export function publishedPortsOf({ store }: Engine, name: string): readonly PortMapping[] {
  const record = requireContainer(store, name)
  const ports = publishedPorts(storedConfig(record).request, effectiveState(store, record.id))
  return ports.filter(({ hostPort }) => hostPort !== 0)
}

/** All running containers that publish ports. */
export function runningPorts(
  engine: Engine,
): readonly { readonly id: ContainerId; readonly ports: readonly PortMapping[] }[] {
  return listContainers(engine)
    .filter(({ state, ports }) => isUp(state) && ports.length > 0)
    .map(({ record, ports }) => ({ id: record.id, ports }))
}
