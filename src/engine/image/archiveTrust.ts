import { statSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import type { ArchiveImage, ImageArchive } from '../../image/archive/imageArchive.ts'
import type { ImageReference } from '../../image/reference.ts'
import type { Engine } from '../engine.ts'
import { type FetchSignature, openTrust } from './trust.ts'

/** As policy.json calls it. */
export function transportOf({ form }: ImageArchive, source: string): string {
  const isDirectory = source !== '-' && statSync(source).isDirectory()
  if (form === 'dir') return form
  return isDirectory ? 'oci' : `${form}-archive`
}

const COSIGN_SIGNATURES = 'dev.cosignproject.cosign/sigs'
const COSIGN_KINDS = new Set([
  COSIGN_SIGNATURES,
  'dev.cosignproject.cosign/atts',
  'dev.cosignproject.cosign/sboms',
])

/** What signs an image is none itself. */
export function isSignature({ names, kind }: ArchiveImage): boolean {
  if (kind !== undefined && COSIGN_KINDS.has(kind)) return true
  return names.length > 0 && names.every((name) => signatureTagIn(name) !== undefined)
}

/** An archive may name a signature by its tag alone, which looks like a repository then. */
function signatureTagIn({ tag, path }: ImageReference): string | undefined {
  return [tag, path].find((text) => text !== undefined && /^sha256-[0-9a-f]{64}\.sig$/.test(text))
}

interface LoadedSubject {
  readonly archive: ImageArchive
  readonly image: ArchiveImage
  readonly transport: string
  readonly policyFile: string | undefined
}

/** An archive gives any name it likes, so that each must be trusted; its signatures are in it. */
export function trustIn(engine: Engine, { archive, image, transport, policyFile }: LoadedSubject) {
  const references = image.names.length === 0 ? [undefined] : image.names
  const checks = references.map((reference) => openTrust(engine, { reference, transport, policyFile }))
  const fetchSignature: FetchSignature = async (tag) => {
    const found = archive.images.filter(
      ({ names, kind }) => kind === COSIGN_SIGNATURES || names.some((name) => signatureTagIn(name) === tag),
    )
    return found.map(({ document }) => ({ bytes: document.bytes, readBlob: archive.readBlob }))
  }
  return async (digests: readonly Digest[]) => {
    for (const check of checks) await check(digests, fetchSignature)
  }
}
