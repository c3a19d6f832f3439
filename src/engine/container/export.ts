import { requireContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'
import { runInMaps } from './rootAccess/runInMaps.ts'
import { openContainerTrees } from './rootAccess/trees.ts'
import { writeTreeArchive } from './stage/archiveTree.ts'

/**
 * `export`: writes the container's whole root as a tar archive, with its owners as the container sees them; what is mounted in it
 * (volumes, /proc) is left out. In constant memory, and whether the container runs or not.
 * @param outFd any fd; the archive starts where it stands
 * @throws BryoError NOT_FOUND; an Error with `code` EPIPE where nobody reads any more
 */
export function exportContainer(engine: Engine, name: string, outFd: number): void {
  const record = requireContainer(engine.store, name)
  writeContainerArchive(engine, record, outFd)
  appendEvent(engine.store, containerEvent(record, 'export'))
}

/** As {@link exportContainer}. */
function writeContainerArchive(engine: Engine, record: ContainerRecord, outFd: number): void {
  using trees = openContainerTrees(engine, record)
  const levels = [...(trees.upper ? [trees.upper] : []), ...trees.lower]
  runInMaps(engine, {
    what: 'read the container',
    maps: trees.maps,
    keepFds: [outFd, ...levels.map(({ fd }) => fd)],
    work: () => writeTreeArchive(levels, outFd),
  })
}
