import type { Digest } from '../../base/brand.ts'
import type { Descriptor } from '../../base/image.ts'
import { isObject } from '../../base/json.ts'
import { parseObject, readDescriptor, SIGN_PREDICATE } from './artifact.ts'

/** Artifacts that may sign what they refer to: cosign's since its version 3, and its earlier form attached in the same way. */
const SIGNATURE_ARTIFACT =
  /^application\/vnd\.dev\.(?:sigstore\.bundle[.+].*|cosign\.artifact\.sig\.v1\+json)$/
const PREDICATE_ANNOTATION = 'dev.sigstore.bundle.predicateType'
/** So many artifacts of a manifest are looked at. */
const MAX_ARTIFACTS = 64

/** The tag under which a registry without the referrers API has the list of what refers to a manifest. */
export function referrersTag(manifestDigest: Digest): string {
  return manifestDigest.replace(':', '-')
}

/**
 * The artifacts of a list of referrers that may be signatures; undefined where it is no such list. Pure.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export function readReferrers(bytes: Uint8Array): readonly Descriptor[] | undefined {
  const manifests = parseObject(bytes)?.manifests
  if (!Array.isArray(manifests)) return undefined
  return manifests
    .filter((entry: unknown) => isObject(entry) && mayBeSignature(entry.artifactType, entry.annotations))
    .flatMap((entry: unknown) => readDescriptor(entry) ?? [])
    .slice(0, MAX_ARTIFACTS)
}

/** What a manifest signs by referring to it; undefined where it is no such artifact. Pure. */
export function subjectOfSignature(manifest: Uint8Array): Digest | undefined {
  const document = parseObject(manifest)
  if (!document || !isSignatureArtifact(document.artifactType)) return undefined
  return readDescriptor(document.subject)?.digest
}

/** What states something else about the image, a list of its parts for example, can be large. */
function mayBeSignature(artifactType: unknown, annotations: unknown): boolean {
  const predicate = isObject(annotations) ? annotations[PREDICATE_ANNOTATION] : undefined
  return isSignatureArtifact(artifactType) && (predicate === undefined || predicate === SIGN_PREDICATE)
}

function isSignatureArtifact(artifactType: unknown): boolean {
  return typeof artifactType === 'string' && SIGNATURE_ARTIFACT.test(artifactType)
}
