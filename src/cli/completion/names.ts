import type { HostFacts } from '../../base/hostFacts.ts'
import type { GlobalOptions } from '../command.ts'
import type { NamedObject } from '../flags/flag.ts'
import type { Candidate } from './complete.ts'

type Lister = (facts: HostFacts, global: GlobalOptions) => Promise<readonly Candidate[]>

/** Who knows the names of which objects; each lister loads what it needs. */
const LISTERS: Partial<Record<NamedObject, Lister>> = {}

/** Names in the store. A store that cannot be read offers none: a shell has no place for an error. */
export async function completeNames(
  kinds: readonly NamedObject[],
  facts: HostFacts,
  global: GlobalOptions | undefined,
): Promise<readonly Candidate[]> {
  if (global === undefined) return []
  const lists = kinds.map(async (kind) => {
    try {
      return (await LISTERS[kind]?.(facts, global)) ?? []
    } catch {
      return []
    }
  })
  return (await Promise.all(lists)).flat()
}
