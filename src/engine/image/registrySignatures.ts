import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import type { Repository } from '../../image/registry/repository.ts'
import type { FindSignatures } from './trust.ts'

/** Signatures lie beside the image, under tags of their own or as what refers to it. */
export function signaturesOf(repository: Repository): FindSignatures {
  const { readBlob } = repository
  return async function* (manifest) {
    const { signatureTag } = await import('../../image/trust/artifact.ts')
    const tagged = await unlessMissing(() => repository.fetchManifest(signatureTag(manifest)))
    if (tagged) yield { bytes: tagged.bytes, readBlob }
    for (const { digest } of await referrersOf(repository, manifest)) {
      const artifact = await unlessMissing(() => repository.fetchManifest(digest))
      if (artifact) yield { bytes: artifact.bytes, readBlob }
    }
  }
}

async function referrersOf(repository: Repository, manifest: Digest): Promise<readonly Descriptor[]> {
  const { readReferrers, referrersTag } = await import('../../image/trust/referrers.ts')
  const answered = await repository.fetchReferrers(manifest)
  const listed = answered && readReferrers(answered)
  if (listed) return listed
  const tagged = await unlessMissing(() => repository.fetchManifest(referrersTag(manifest)))
  return (tagged && readReferrers(tagged.bytes)) ?? []
}

async function unlessMissing<T>(fetch: () => Promise<T>): Promise<T | undefined> {
  try {
    return await fetch()
  } catch (error) {
    if (error instanceof BryoError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
