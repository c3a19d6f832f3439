import type { Digest } from '../../base/brand.ts'
import type { HealthCheckSettings } from '../../base/health.ts'
import type { Descriptor, ImageConfig } from '../../base/image.ts'
import { type Fields, textRecord } from '../json.ts'

/** What the index says of every image. */
export interface ImageSummary {
  /** Digest of the configuration: the image's id. */
  readonly id: Digest
  /** Of the manifest with which it came last. */
  readonly manifestDigest: Digest
  /** The names that came with another one of its manifests. */
  readonly namedManifests?: readonly NamedManifest[]
  /** Fully qualified references with a tag, each of one image only. */
  readonly names: readonly string[]
  /** References with a digest under which the image came or went. */
  readonly repoDigests: readonly string[]
  /** RFC 3339; as the image says. */
  readonly created: string
  /** Bytes of all layers' content. */
  readonly size: number
  /** Names that it had once. */
  readonly formerNames?: readonly string[]
  /** It lies in an additional store, which is never written; not stored. */
  readonly readOnly?: boolean
  /** It is a manifest list, shown among images; not stored. */
  readonly isList?: boolean
}

export interface NamedManifest {
  readonly name: string
  readonly manifestDigest: Digest
}

export interface ImageLayer {
  readonly diffId: Digest
  /** Bytes of content. */
  readonly size: number
  /** The blob that it was unpacked from, where the store keeps it. */
  readonly blob?: Descriptor
}

/** One of the forms in which an image came: formats and compressions differ, what its layers unpack to does not. */
export interface StoredManifest {
  readonly manifestDigest: Digest
  readonly manifestMediaType: string
  readonly layers: readonly ImageLayer[]
  /** Further blobs that belong to it, such as the index that named it. */
  readonly otherBlobs: readonly Digest[]
}

/** What running and inspecting need beside the summary: a file of its own, so that `run` reads one image only. */
export interface ImageDetail extends Omit<StoredManifest, 'manifestDigest'> {
  /** As in the index, unless that was read or written at another moment. */
  readonly manifestDigest?: Digest
  readonly config: ImageConfig
  /** The same image under other digests. */
  readonly otherManifests?: readonly StoredManifest[]
}

export interface ImageRecord extends ImageSummary, ImageDetail {
  readonly manifestDigest: Digest
}

export function summaryOf(image: ImageSummary): ImageSummary {
  const {
    id,
    manifestDigest,
    names,
    repoDigests,
    created,
    size,
    namedManifests = [],
    formerNames = [],
  } = image
  const summary = { id, manifestDigest, names, repoDigests, created, size }
  return {
    ...summary,
    ...(namedManifests.length > 0 && { namedManifests }),
    ...(formerNames.length > 0 && { formerNames }),
  }
}

export function detailOf(image: ImageDetail): ImageDetail {
  const { manifestDigest, layers, config, manifestMediaType, otherBlobs, otherManifests = [] } = image
  const detail = { layers, config, manifestMediaType, otherBlobs, ...(manifestDigest && { manifestDigest }) }
  return otherManifests.length === 0 ? detail : { ...detail, otherManifests }
}

export function parseSummary(fields: Fields): ImageSummary {
  return {
    id: fields.digest('id'),
    manifestDigest: fields.digest('manifestDigest'),
    names: fields.texts('names'),
    repoDigests: fields.texts('repoDigests'),
    created: fields.text('created'),
    size: fields.number('size'),
    ...(fields.has('namedManifests') && { namedManifests: parseNamedManifests(fields) }),
    ...(fields.has('formerNames') && { formerNames: fields.texts('formerNames') }),
  }
}

export function parseNamedManifests(fields: Fields): readonly NamedManifest[] {
  return fields.list('namedManifests', (entry) => ({
    name: entry.text('name'),
    manifestDigest: entry.digest('manifestDigest'),
  }))
}

/** @param path the file, for messages */
export function parseDetail(fields: Fields, path: string): ImageDetail {
  return {
    ...(fields.has('manifestDigest') && { manifestDigest: fields.digest('manifestDigest') }),
    layers: fields.list('layers', parseLayer),
    config: parseConfig(fields.object('config'), path),
    manifestMediaType: fields.text('manifestMediaType'),
    otherBlobs: fields.digests('otherBlobs'),
    ...(fields.has('otherManifests') && { otherManifests: fields.list('otherManifests', parseManifest) }),
  }
}

function parseManifest(fields: Fields): StoredManifest {
  return {
    manifestDigest: fields.digest('manifestDigest'),
    manifestMediaType: fields.text('manifestMediaType'),
    layers: fields.list('layers', parseLayer),
    otherBlobs: fields.digests('otherBlobs'),
  }
}

function parseLayer(fields: Fields): ImageLayer {
  const layer = { diffId: fields.digest('diffId'), size: fields.number('size') }
  return fields.has('blob') ? { ...layer, blob: parseDescriptor(fields.object('blob')) } : layer
}

function parseDescriptor(fields: Fields): Descriptor {
  return { mediaType: fields.text('mediaType'), digest: fields.digest('digest'), size: fields.number('size') }
}

function parseConfig(fields: Fields, path: string): ImageConfig {
  return {
    architecture: fields.text('architecture'),
    os: fields.text('os'),
    ...(fields.has('variant') && { variant: fields.text('variant') }),
    ...(fields.has('created') && { created: fields.text('created') }),
    env: fields.texts('env'),
    entrypoint: fields.texts('entrypoint'),
    cmd: fields.texts('cmd'),
    workingDir: fields.text('workingDir'),
    user: fields.text('user'),
    volumes: fields.texts('volumes'),
    exposedPorts: fields.texts('exposedPorts'),
    labels: textRecord(fields.json('labels'), path),
    ...(fields.has('stopSignal') && { stopSignal: fields.text('stopSignal') }),
    ...(fields.has('healthcheck') && { healthcheck: parseHealthCheck(fields.object('healthcheck')) }),
    diffIds: fields.digests('diffIds'),
  }
}

function parseHealthCheck(fields: Fields): HealthCheckSettings {
  const number = <K extends string>(key: K) =>
    fields.has(key) ? ({ [key]: fields.number(key) } as { readonly [P in K]: number }) : {}
  return {
    ...(fields.has('test') && { test: fields.texts('test') }),
    ...number('intervalMs'),
    ...number('timeoutMs'),
    ...number('startPeriodMs'),
    ...number('retries'),
  }
}
