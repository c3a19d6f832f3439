import { isDigest } from '../base/digest.ts'
import { BryoError } from '../base/errors.ts'
import type { Descriptor } from '../base/image.ts'
import type { JsonObject } from '../base/json.ts'
import { type JsonReader, jsonReader, parseJsonObject } from './json.ts'
import {
  checkConfigType,
  checkLayerType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  MEDIA_TYPE,
} from './mediaTypes.ts'

/** Bytes. @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md (at least 4 MiB are to be taken) */
export const MAX_MANIFEST_SIZE = 4 * 1024 * 1024

/** @see https://github.com/opencontainers/image-spec/blob/main/manifest.md */
export interface ImageManifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  /** Lowest first. */
  readonly layers: readonly Descriptor[]
  readonly annotations: Readonly<Record<string, string>>
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface IndexEntry extends Descriptor {
  readonly platform?: Platform
  readonly annotations: Readonly<Record<string, string>>
}

/** @see https://github.com/opencontainers/image-spec/blob/main/image-index.md */
export interface ImageIndex {
  readonly kind: 'index'
  readonly mediaType: string
  readonly manifests: readonly IndexEntry[]
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * Reads a manifest or an index, OCI's or Docker's.
 *
 * One byte sequence must have one meaning for every reader: a document that could be both kinds, or whose own type
 * is not the one under which it was delivered, is refused (CVE-2021-41190).
 * @param deliveredAs the type in the descriptor or Content-Type, where there is one
 * @throws BryoError INVALID_IMAGE, UNSUPPORTED
 */
export function parseManifest(bytes: Uint8Array, deliveredAs?: string): ImageManifest | ImageIndex {
  const document = parseJsonObject('image manifest', bytes, MAX_MANIFEST_SIZE)
  const json = jsonReader('image manifest')
  refuseSchema1(document, deliveredAs)
  if (document.schemaVersion !== 2) throw json.fail('schemaVersion', '2')
  const mediaType = effectiveType(document, deliveredAs)
  if (isIndexType(mediaType)) return readIndex(document, mediaType)
  return readManifest(document, mediaType)
}

function refuseSchema1(document: JsonObject, deliveredAs: string | undefined): void {
  const old =
    document.schemaVersion === 1 ||
    'fsLayers' in document ||
    (deliveredAs !== undefined && isSchema1Type(deliveredAs))
  if (!old) return
  throw new BryoError(
    'UNSUPPORTED',
    'cannot use image: its manifest has Docker schema 1, expected schema 2 or OCI',
    { hint: 'push the image again with a current tool: registries stopped serving schema 1' },
  )
}

function effectiveType(document: JsonObject, deliveredAs: string | undefined): string {
  const json = jsonReader('image manifest')
  const own = json.optionalString(document.mediaType, 'mediaType')
  const delivered = deliveredAs !== undefined && isKnown(deliveredAs) ? deliveredAs : undefined
  if (own !== undefined && !isKnown(own)) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot use image: unknown manifest type "${own.slice(0, 200)}", expected an image manifest or index`,
    )
  }
  if (own !== undefined && delivered !== undefined && own !== delivered) {
    throw json.fail('mediaType', `"${delivered}", the type under which it was delivered (found "${own}")`)
  }
  const hasManifests = 'manifests' in document
  if (hasManifests && ('layers' in document || 'config' in document)) {
    throw json.fail('manifests', 'absent from a document that has layers or a config')
  }
  const type = own ?? delivered ?? (hasManifests ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.ociManifest)
  if (isIndexType(type) !== hasManifests) throw json.fail('mediaType', 'the type of what the document holds')
  return type
}

function isKnown(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType)
}

function readManifest(document: JsonObject, mediaType: string): ImageManifest {
  const json = jsonReader('image manifest')
  const config = readDescriptor(json, document.config, 'config')
  checkConfigType(config.mediaType)
  const layers = json.array(document.layers, 'layers').map((layer, index) => {
    const descriptor = readDescriptor(json, layer, `layers[${index}]`)
    checkLayerType(descriptor.mediaType)
    return descriptor
  })
  const annotations = json.stringMap(document.annotations, 'annotations')
  return { kind: 'manifest', mediaType, config, layers, annotations }
}

function readIndex(document: JsonObject, mediaType: string): ImageIndex {
  const json = jsonReader('image index')
  const manifests = json.array(document.manifests, 'manifests').map((value, index) => {
    const member = `manifests[${index}]`
    const entry = json.object(value, member)
    const descriptor = readDescriptor(json, entry, member)
    const annotations = json.stringMap(entry.annotations, `${member}.annotations`)
    if (entry.platform == null) return { ...descriptor, annotations }
    return { ...descriptor, annotations, platform: readPlatform(json, entry.platform, `${member}.platform`) }
  })
  return {
    kind: 'index',
    mediaType,
    manifests,
    annotations: json.stringMap(document.annotations, 'annotations'),
  }
}

function readPlatform(json: JsonReader, value: unknown, member: string): Platform {
  const platform = json.object(value, member)
  const os = json.string(platform.os, `${member}.os`)
  const architecture = json.string(platform.architecture, `${member}.architecture`)
  const variant = json.optionalString(platform.variant, `${member}.variant`)
  return variant === undefined || variant === '' ? { os, architecture } : { os, architecture, variant }
}

function readDescriptor(json: JsonReader, value: unknown, member: string): Descriptor {
  const entry = json.object(value, member)
  const mediaType = json.string(entry.mediaType, `${member}.mediaType`)
  const digest = json.string(entry.digest, `${member}.digest`)
  if (!isDigest(digest)) throw json.fail(`${member}.digest`, 'sha256: and 64 hex digits')
  const size = entry.size
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw json.fail(`${member}.size`, 'a number of bytes')
  }
  return { mediaType, digest, size }
}
