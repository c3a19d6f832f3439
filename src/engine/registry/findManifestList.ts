import { formatReference, isReference, localCandidates } from '../../image/reference.ts'
import { type ManifestList, readManifestLists } from '../../storage/manifestList/read.ts'
import type { Store } from '../../storage/store.ts'

/** The list of a name; a short one is below `localhost/`. */
export function findManifestList(store: Store, text: string): ManifestList | undefined {
  if (!isReference(text)) return undefined
  const lists = readManifestLists(store)
  if (lists.length === 0) return undefined
  const names = localCandidates(text).map(formatReference)
  return names.flatMap((name) => lists.find((list) => list.name === name) ?? [])[0]
}
