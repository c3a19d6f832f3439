import { selectContainers } from '../engine/container/select.ts'
import type { Engine } from '../engine/engine.ts'
import { readCidfiles } from './cidfile.ts'
import { readContainerFilters } from './containerFilters.ts'

/** Flags that say which containers a command means; what a command does not have is missing. */
interface SelectionFlags {
  readonly all: boolean
  readonly latest: boolean
  readonly filter?: readonly string[]
  readonly cidfile?: readonly string[]
  /** Of a container, or of a file with its id, that is not there. */
  readonly ignore?: boolean
}

/** The containers that the flags and arguments of a command name. @throws BryoError USAGE, NOT_FOUND */
export function selectedNames(
  engine: Engine,
  { all, latest, filter = [], cidfile = [], ignore = false }: SelectionFlags,
  args: readonly string[],
  which: Parameters<typeof selectContainers>[2],
): readonly string[] {
  const ids = readCidfiles(cidfile, { ignore })
  // Files that are not there name nobody, which is not the same as naming nothing.
  if (cidfile.length > 0 && ids.length + args.length === 0) return []
  const selection = { all, latest, filter: readContainerFilters(filter), names: [...args, ...ids] }
  return selectContainers(engine, selection, which)
}
