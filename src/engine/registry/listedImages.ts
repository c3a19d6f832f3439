import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { MAX_CONFIG_SIZE, parseImageConfig } from '../../image/config.ts'
import { type Platform, parseManifest } from '../../image/manifest.ts'
import { hostPlatform, selectPlatform } from '../../image/platform.ts'
import { repositoryName } from '../../image/reference.ts'
import { blobSize } from '../../storage/blob/read.ts'
import type { ListedManifest } from '../../storage/manifestList/read.ts'
import type { Engine } from '../engine.ts'
import { findLocalImage, unknownImage } from '../image/find.ts'
import type { RegistrySettings } from '../image/registryOptions.ts'
import { localName } from './localName.ts'
import { openPullSource, resolveRegistry } from './open.ts'

export interface ListedSource {
  readonly settings: RegistrySettings
  /** Every image of an index, instead of this machine's. */
  readonly all: boolean
}

/**
 * What a text means as part of a list: an image of the store where it has one, else what a registry has. `docker://` means the registry,
 * `containers-storage:` the store.
 * @throws BryoError NOT_FOUND and those of a pull
 */
export async function findListed(
  engine: Engine,
  text: string,
  source: ListedSource,
): Promise<readonly ListedManifest[]> {
  const [, transport = '', name = text] = /^(docker:\/\/|containers-storage:)?(.*)$/s.exec(text) ?? []
  const local = transport === 'docker://' ? undefined : localEntry(engine, await localName(engine, name))
  if (local) return [local]
  if (transport === 'containers-storage:') throw unknownImage(name)
  return registryEntries(engine, name, source)
}

function localEntry({ store }: Engine, name: string): ListedManifest | undefined {
  const image = findLocalImage(store, name)
  if (!image) return undefined
  const size = blobSize(store, image.manifestDigest)
  if (size === undefined)
    throw new BryoError('STORAGE', `cannot use image "${name}": its manifest is missing`)
  const { os, architecture, variant } = image.config
  const descriptor = { mediaType: image.manifestMediaType, digest: image.manifestDigest, size }
  const platform = {
    os: os || 'linux',
    architecture: architecture || hostPlatform(process.arch).architecture,
  }
  return entryOf(descriptor, variant === undefined ? platform : { ...platform, variant }, '')
}

async function registryEntries(
  engine: Engine,
  name: string,
  { settings, all }: ListedSource,
): Promise<readonly ListedManifest[]> {
  const { reference } = await resolveRegistry(engine, name)
  const tagOrDigest = reference.digest ?? reference.tag ?? 'latest'
  const opened = await openPullSource(engine, settings, {
    reference,
    first: (source) => source.fetchManifest(tagOrDigest),
  })
  using repository = opened.repository
  const { bytes, digest, mediaType } = opened.result
  const from = repositoryName(reference)
  const parsed = parseManifest(bytes, mediaType)
  if (parsed.kind === 'manifest') {
    const config = parseImageConfig(await repository.readBlob(parsed.config, MAX_CONFIG_SIZE))
    const { os, architecture, variant } = config
    const platform = { os: os || 'linux', architecture, ...(variant === undefined ? {} : { variant }) }
    return [entryOf({ mediaType: parsed.mediaType, digest, size: bytes.byteLength }, platform, from)]
  }
  const chosen = all ? parsed.manifests : [selectPlatform(parsed, hostPlatform(process.arch), name)]
  return chosen.map((entry) => ({
    ...entryOf(entry, entry.platform ?? { os: 'linux', architecture: '' }, from),
    annotations: entry.annotations,
  }))
}

function entryOf(
  { mediaType, digest, size }: Descriptor,
  platform: Platform,
  repository: string,
): ListedManifest {
  const { os, architecture, variant = '' } = platform
  const none = { osVersion: '', osFeatures: [], features: [], annotations: {} }
  return { mediaType, digest, size, os, architecture, variant, ...none, repository }
}
