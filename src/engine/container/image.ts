import { BryoError } from '../../base/errors.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { findLocalImage, unknownImage } from '../image/find.ts'
import type { OnProgress } from '../image/progress.ts'
import type { RegistrySettings } from '../image/registryOptions.ts'
import type { ContainerRequest, MountRequest } from './request.ts'

/** For one pull: not part of the container. */
export interface RegistryLogin extends Pick<RegistrySettings, 'creds' | 'retry' | 'retryDelayMs'> {
  readonly signaturePolicy?: string | undefined
}

/**
 * The image of a request; undefined for one on a directory. Pulled where the policy asks for it.
 * @throws BryoError NOT_FOUND where it may not be pulled, or what pulling throws
 */
export async function resolveImage(
  engine: Engine,
  request: ContainerRequest,
  { onProgress, registry }: { readonly onProgress?: OnProgress; readonly registry?: RegistryLogin },
): Promise<ImageRecord | undefined> {
  const { image, pull, platform } = request
  if (image === undefined) return undefined
  // The usual case needs no word of the registry's code.
  const local = pull === 'missing' || pull === 'never' ? findLocalImage(engine.store, image) : undefined
  if (local && platform === undefined) return local
  const listed = local ? undefined : await findListed(engine, image, platform)
  if (listed?.id !== undefined) return findLocalImage(engine.store, listed.id)
  if (pull === 'never' && !local) return await findAlias(engine, image)
  const { pullImage } = await import('../image/pull.ts')
  const { tlsVerify, certDir, authfile } = request
  const { id } = await pullImage(engine, {
    reference: listed?.reference ?? image,
    platform,
    policy: pull,
    tlsVerify,
    certDir,
    authfile,
    ...registry,
    onProgress,
  })
  const pulled = findLocalImage(engine.store, id)
  if (!pulled)
    throw new BryoError('STORAGE', `cannot use image "${image}": it was removed while it was pulled`)
  return pulled
}

/** A manifest list of the store stands for one of its images. */
async function findListed(engine: Engine, image: string, platform: string | undefined) {
  const { chooseListed } = await import('../registry/localName.ts')
  return chooseListed(engine, image, platform)
}

async function findAlias(engine: Engine, image: string): Promise<ImageRecord> {
  const { localName } = await import('../registry/localName.ts')
  const found = findLocalImage(engine.store, await localName(engine, image))
  if (!found) throw unknownImage(image)
  return found
}

/** The request with the names in the store of images that are mounted. @throws BryoError AMBIGUOUS, UNSUPPORTED */
export async function withImageMounts(engine: Engine, request: ContainerRequest): Promise<ContainerRequest> {
  if (request.mounts.every(({ type }) => type !== 'image')) return request
  const { localImageName } = await import('../registry/localName.ts')
  const mounts: MountRequest[] = []
  for (const mount of request.mounts) {
    mounts.push(
      mount.type === 'image' ? { ...mount, image: await localImageName(engine, mount.image) } : mount,
    )
  }
  return { ...request, mounts }
}
