import type { ImageSummary } from '../../storage/image/record.ts'
import { type ManifestList, readManifestLists } from '../../storage/manifestList/read.ts'
import type { Engine } from '../engine.ts'
import { findManifestList } from './findManifestList.ts'
import { documentOf, listDigest } from './manifestList.ts'

/** Manifest lists of the store as `images` shows them: the id is the digest of what a push would send now, the size its bytes. */
export function listsAsImages({ store }: Engine): readonly ImageSummary[] {
  return readManifestLists(store).map(asImage)
}

function asImage(list: ManifestList): ImageSummary {
  const digest = listDigest(list)
  return {
    id: digest,
    manifestDigest: digest,
    names: [list.name],
    repoDigests: [],
    created: list.changed ?? '1970-01-01T00:00:00Z',
    size: documentOf(list).bytes.byteLength,
    isList: true,
  }
}

/** The list of a full or short name, of an id, or of the first digits of one (four at least). */
export function findListAsImage(engine: Engine, text: string): ImageSummary | undefined {
  const named = findManifestList(engine.store, text)
  if (named) return asImage(named)
  const digits = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1]
  return digits === undefined
    ? undefined
    : listsAsImages(engine).find(({ id }) => id.startsWith(`sha256:${digits}`))
}
