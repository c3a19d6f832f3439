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
import type { Repository } from '../../image/registry/repository.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { addImage } from './addImage.ts'
import { noteImage } from './event.ts'
import { findLocalImage, unknownImage } from './find.ts'
import type { OnProgress } from './progress.ts'
import { type RegistrySettings, registryOptions } from './registryOptions.ts'

export type { PullProgress } from './progress.ts'
export type PullPolicy = 'always' | 'missing' | 'newer' | 'never'

export interface PullRequest extends RegistrySettings {
  readonly reference: string
  /** `OS/ARCH[/VARIANT]`; this machine's by default. */
  readonly platform?: string | undefined
  /** `always` by default. */
  readonly policy?: PullPolicy | undefined
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
  const local = policy === 'always' ? undefined : findFitting(engine, request)
  if (local && policy !== 'newer') return existing(request, local)
  if (policy === 'never') throw unknownImage(request.reference)
  try {
    return await pullFresh(engine, request, local)
  } catch (error) {
    // Newer is a wish: what is there serves as long as the registry cannot be asked.
    if (local && error instanceof BryoError && error.code === 'NETWORK') return existing(request, local)
    throw error
  }
}

/** Every tag of the repository, one after the other. A tag or digest in the reference is an error. */
export async function pullAllTags(engine: Engine, request: PullRequest): Promise<readonly PulledImage[]> {
  const reference = parseReference(request.reference)
  if (reference.digest !== undefined || reference.tag !== parseReference(repositoryName(reference)).tag) {
    throw new BryoError(
      'USAGE',
      `cannot pull all tags of "${request.reference}": it names one, expected none`,
    )
  }
  using repository = await open(engine, request, reference)
  const images: PulledImage[] = []
  for (const tag of [...(await repository.listTags())].sort()) {
    const tagged = { ...reference, tag }
    images.push(await pullFrom(engine, { request, reference: tagged, repository, local: undefined }))
  }
  return images
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

async function pullFresh(
  engine: Engine,
  request: PullRequest,
  local: ImageRecord | undefined,
): Promise<PulledImage> {
  const reference = parseReference(request.reference)
  using repository = await open(engine, request, reference)
  return await pullFrom(engine, { request, reference, repository, local })
}

/** The registry client is loaded here: most commands never need it. */
async function open(engine: Engine, request: PullRequest, reference: ImageReference): Promise<Repository> {
  const { openRepository } = await import('../../image/registry/repository.ts')
  return openRepository(reference, registryOptions(engine.facts, request))
}

interface PullWork {
  readonly request: PullRequest
  readonly reference: ImageReference
  readonly repository: Repository
  /** Good enough where the registry has the same. */
  readonly local: ImageRecord | undefined
}

async function pullFrom(
  engine: Engine,
  { request, reference, repository, local }: PullWork,
): Promise<PulledImage> {
  const full = formatReference(reference)
  request.onProgress?.({ kind: 'started', reference: full })
  const document = await repository.fetchManifest(reference.digest ?? reference.tag ?? 'latest')
  if (local?.repoDigests.includes(`${repositoryName(reference)}@${document.digest}`))
    return existing(request, local)
  const added = await addImage(engine, {
    source: repository,
    document,
    platform: request.platform === undefined ? hostPlatform(process.arch) : parsePlatform(request.platform),
    label: familiarName(reference),
    names: reference.digest === undefined ? [full] : [],
    repositories: [repositoryName(reference)],
    onProgress: request.onProgress,
    abort: () => repository[Symbol.dispose](),
  })
  noteImage(engine.store, 'pull', { id: added.id, name: full })
  return { ...added, reference: full, pulled: true }
}
