import { realpathSync, statSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import type { ArchiveImage, ImageArchive } from '../../image/archive/imageArchive.ts'
import type { ImageReference } from '../../image/reference.ts'
import { signatureTag } from '../../image/trust/artifact.ts'
import { subjectOfSignature } from '../../image/trust/referrers.ts'
import type { Engine } from '../engine.ts'
import { type FindSignatures, openTrust } from './trust.ts'
import type { Transport } from './trustPolicy.ts'

/** As policy.json calls it. */
export function transportOf({ form }: ImageArchive, source: string): Transport {
  const path = source === '-' || form === 'docker' ? undefined : realpathSync(source)
  if (form === 'dir') return { name: form, path }
  const isDirectory = source !== '-' && statSync(source).isDirectory()
  return { name: isDirectory ? 'oci' : `${form}-archive`, path }
}

const COSIGN_SIGNATURES = 'dev.cosignproject.cosign/sigs'
const COSIGN_KINDS = new Set([
  COSIGN_SIGNATURES,
  'dev.cosignproject.cosign/atts',
  'dev.cosignproject.cosign/sboms',
])

/** Whether it may sign this manifest: it was kept under its tag, it is one that cosign saved, or it refers to it. */
function signs({ names, kind, document }: ArchiveImage, manifest: Digest): boolean {
  if (kind === COSIGN_SIGNATURES || subjectOfSignature(document.bytes) === manifest) return true
  return names.some((name) => signatureTagIn(name) === signatureTag(manifest))
}

/** What signs an image is none itself. */
export function isSignature({ names, kind, document }: ArchiveImage): boolean {
  if (kind !== undefined && COSIGN_KINDS.has(kind)) return true
  if (subjectOfSignature(document.bytes) !== undefined) return true
  return names.length > 0 && names.every((name) => signatureTagIn(name) !== undefined)
}

/** An archive may name a signature by its tag alone, which looks like a repository then. */
function signatureTagIn({ tag, path }: ImageReference): string | undefined {
  return [tag, path].find((text) => text !== undefined && /^sha256-[0-9a-f]{64}\.sig$/.test(text))
}

interface LoadedSubject {
  readonly archive: ImageArchive
  readonly image: ArchiveImage
  readonly transport: Transport
  readonly policyFile: string | undefined
}

/** An archive gives any name it likes, so that each must be trusted; its signatures are in it. */
export function trustIn(engine: Engine, { archive, image, transport, policyFile }: LoadedSubject) {
  const references = image.names.length === 0 ? [undefined] : image.names
  const checks = references.map((reference) => openTrust(engine, { reference, transport, policyFile }))
  const findSignatures: FindSignatures = async function* (manifest) {
    for (const other of archive.images) {
      if (signs(other, manifest)) yield { bytes: other.document.bytes, readBlob: archive.readBlob }
    }
  }
  return async (digests: readonly Digest[]) => {
    for (const check of checks) await check(digests, findSignatures)
  }
}
