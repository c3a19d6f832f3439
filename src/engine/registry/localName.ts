import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Platform } from '../../image/manifest.ts'
import { formatPlatform, hostPlatform, parsePlatform } from '../../image/platform.ts'
import { formatReference, hasDomain, isReference } from '../../image/reference.ts'
import { readAllImages } from '../../storage/image/images.ts'
import { repoDigestsOf } from '../../storage/image/manifests.ts'
import type { ImageSummary } from '../../storage/image/record.ts'
import type { ListedManifest, ManifestList } from '../../storage/manifestList/read.ts'
import type { Engine } from '../engine.ts'
import { findLocalImage } from '../image/find.ts'
import { findManifestList } from './findManifestList.ts'

/**
 * What the user's text is called here: a short name that the store does not have may be an alias of one that it has. Nobody is asked
 * over a network. Any other text stays, so that messages have the user's words.
 * @throws BryoError AMBIGUOUS, USAGE for a file of registries that says nothing clear
 */
export async function localName(engine: Engine, text: string): Promise<string> {
  if (!isReference(text) || hasDomain(text) || isKnown(engine, text)) return text
  const { resolveRegistry } = await import('./open.ts')
  const { reference } = await resolveRegistry(engine, text)
  const full = formatReference(reference)
  return isKnown(engine, full) ? full : text
}

function isKnown({ store }: Engine, text: string): boolean {
  return (findLocalImage(store, text) ?? findManifestList(store, text)) !== undefined
}

/**
 * As {@link localName}; of a manifest list, the image for this machine, by its id.
 * @throws BryoError UNSUPPORTED where the store has no such image of the list
 */
export async function localImageName(engine: Engine, text: string): Promise<string> {
  const name = await localName(engine, text)
  const list = findLocalImage(engine.store, name) ? undefined : findManifestList(engine.store, name)
  if (!list) return name
  const entry = entryFor(list, hostPlatform(process.arch))
  const image = entry && imageOf(engine, entry)
  if (image) return image.id
  throw new BryoError(
    'UNSUPPORTED',
    `cannot use "${text}": it is a manifest list, whose image for this machine is not in the store`,
    {
      hint: `see what it names: bryo manifest inspect ${list.name}`,
    },
  )
}

/** What of a list runs on a platform: an image of the store by its id, else where it can be pulled from. */
export interface ListedChoice {
  readonly id?: Digest
  readonly reference?: string
}

/**
 * The choice that `run` makes of a manifest list of the store; undefined where the text names none.
 * @param wanted `OS/ARCH[/VARIANT]`; this machine's by default
 * @throws BryoError NOT_FOUND where nothing of it is for the platform
 */
export function chooseListed(
  engine: Engine,
  text: string,
  wanted: string | undefined,
): ListedChoice | undefined {
  const list = findManifestList(engine.store, text)
  if (!list) return undefined
  const platform = wanted === undefined ? hostPlatform(process.arch) : parsePlatform(wanted)
  const entry = entryFor(list, platform)
  const image = entry && imageOf(engine, entry)
  if (image) return { id: image.id }
  if (entry && entry.repository !== '') return { reference: `${entry.repository}@${entry.digest}` }
  throw new BryoError(
    'NOT_FOUND',
    `cannot use manifest list "${text}": it has no image for ${formatPlatform(platform)}`,
    {
      hint: `see what it names: bryo manifest inspect ${list.name}`,
    },
  )
}

function entryFor(
  { manifests }: ManifestList,
  { os, architecture, variant = '' }: Platform,
): ListedManifest | undefined {
  const fitting = manifests.filter((entry) => entry.os === os && entry.architecture === architecture)
  return fitting.find((entry) => entry.variant === variant) ?? fitting[0]
}

function imageOf({ store }: Engine, { digest }: ListedManifest): ImageSummary | undefined {
  return readAllImages(store).find(
    (image) =>
      image.manifestDigest === digest || repoDigestsOf(image).some((text) => text.endsWith(`@${digest}`)),
  )
}
