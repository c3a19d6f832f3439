import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { hostPlatform, parsePlatform, sameArchitecture } from '../../image/platform.ts'
import {
  familiarName,
  formatReference,
  type ImageReference,
  isReference,
  localCandidates,
  parseReference,
  repositoryName,
} from '../../image/reference.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { openPullSource, resolveRegistry } from '../registry/open.ts'
import { addImage } from './addImage.ts'
import { noteImage } from './event.ts'
import { findLocalImage, unknownImage } from './find.ts'
import type { OnProgress } from './progress.ts'
import type { RegistrySettings } from './registryOptions.ts'
import { signaturesOf } from './registrySignatures.ts'
import { openTrust } from './trust.ts'

export type PullPolicy = 'always' | 'missing' | 'newer' | 'never'

export interface PullRequest extends RegistrySettings {
  readonly reference: string
  /** `OS/ARCH[/VARIANT]`; this machine's by default. */
  readonly platform?: string | undefined
  /** `always` by default. */
  readonly policy?: PullPolicy | undefined
  /** `--signature-policy`: a policy.json that counts alone. */
  readonly signaturePolicy?: string | undefined
  readonly onProgress?: OnProgress | undefined
}

export interface PulledImage {
  readonly id: Digest
  /** In full. */
  readonly reference: string
  readonly manifestDigest: Digest
  /** False: the store's own image was good enough. */
  readonly pulled: boolean
  readonly warnings: readonly string[]
}

/**
 * Fetches an image from its registry where the policy asks for it.
 * @throws BryoError INVALID_REFERENCE, NOT_FOUND, AUTH_REQUIRED, NETWORK, REGISTRY, DIGEST_MISMATCH, INVALID_IMAGE, UNSUPPORTED,
 *   NO_SPACE; then the images of the store are as they were
 */
export async function pullImage(engine: Engine, request: PullRequest): Promise<PulledImage> {
  const policy = request.policy ?? 'always'
  let local = policy === 'always' ? undefined : findFitting(engine, request)
  if (local && policy !== 'newer') return existing(request, local)
  const { reference } = await resolveRegistry(engine, request.reference)
  if (policy !== 'always')
    local ??= findFitting(engine, { ...request, reference: formatReference(reference) })
  if (local && policy !== 'newer') return existing(request, local)
  if (policy === 'never') throw unknownImage(request.reference)
  try {
    return await pullFrom(engine, { request, reference, local })
  } catch (error) {
    // Newer is a wish: what is there serves as long as the registry cannot be asked.
    if (local && error instanceof BryoError && ['NETWORK', 'REGISTRY'].includes(error.code))
      return existing(request, local)
    throw error
  }
}

/** Every tag of the repository, one after the other. A tag or digest in the reference is an error. */
export async function pullAllTags(engine: Engine, request: PullRequest): Promise<readonly PulledImage[]> {
  const { reference } = await resolveRegistry(engine, request.reference)
  if (reference.digest !== undefined || reference.tag !== parseReference(repositoryName(reference)).tag) {
    throw new BryoError(
      'USAGE',
      `cannot pull all tags of "${request.reference}": it names one, expected none`,
    )
  }
  const tags = await listTags(engine, request, reference)
  const images: PulledImage[] = []
  for (const tag of [...tags].sort())
    images.push(await pullFrom(engine, { request, reference: { ...reference, tag } }))
  return images
}

async function listTags(engine: Engine, request: PullRequest, reference: ImageReference) {
  const opened = await openPullSource(engine, request, {
    reference,
    first: (repository) => repository.listTags(),
  })
  using _repository = opened.repository
  return opened.result
}

function findFitting(engine: Engine, { reference, platform }: PullRequest): ImageRecord | undefined {
  const found = findLocalImage(engine.store, reference)
  if (!found || platform === undefined) return found
  const wanted = parsePlatform(platform)
  const { architecture } = found.config
  return architecture === '' || sameArchitecture(architecture, wanted.architecture) ? found : undefined
}

function existing(request: PullRequest, image: ImageRecord): PulledImage {
  const asked = formatNames(request.reference)
  const reference = image.names.find((name) => asked.includes(name)) ?? image.names[0] ?? request.reference
  return { id: image.id, reference, manifestDigest: image.manifestDigest, pulled: false, warnings: [] }
}

function formatNames(text: string): readonly string[] {
  return isReference(text) ? localCandidates(text).map(formatReference) : []
}

interface PullWork {
  readonly request: PullRequest
  readonly reference: ImageReference
  /** Good enough where the registry has the same. */
  readonly local?: ImageRecord | undefined
}

async function pullFrom(engine: Engine, { request, reference, local }: PullWork): Promise<PulledImage> {
  const full = formatReference(reference)
  const trust = openTrust(engine, { reference, policyFile: request.signaturePolicy })
  request.onProgress?.({ kind: 'started', reference: full })
  const tagOrDigest = reference.digest ?? reference.tag ?? 'latest'
  const opened = await openPullSource(engine, request, {
    reference,
    first: (source) => source.fetchManifest(tagOrDigest),
  })
  using repository = opened.repository
  const document = opened.result
  if (local?.repoDigests.includes(`${repositoryName(reference)}@${document.digest}`))
    return existing(request, local)
  const added = await addImage(engine, {
    source: repository,
    document,
    platform: request.platform === undefined ? hostPlatform(process.arch) : parsePlatform(request.platform),
    label: familiarName(reference),
    names: reference.digest === undefined ? [full] : [],
    repositories: [repositoryName(reference)],
    checkTrust: (digests) => trust(digests, signaturesOf(repository)),
    onProgress: request.onProgress,
    abort: () => repository[Symbol.dispose](),
  })
  noteImage(engine.store, 'pull', { id: added.id, name: full })
  return { ...added, reference: full, pulled: true }
}
