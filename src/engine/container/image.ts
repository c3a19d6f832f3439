import { BryoError } from '../../base/errors.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { findLocalImage, unknownImage } from '../image/find.ts'
import type { OnProgress } from '../image/progress.ts'
import type { ContainerRequest } from './request.ts'

/**
 * The image of a request; undefined for one on a directory. Pulled where the policy asks for it.
 * @throws BryoError NOT_FOUND where it may not be pulled, or what pulling throws
 */
export async function resolveImage(
  engine: Engine,
  request: ContainerRequest,
  onProgress?: OnProgress,
): Promise<ImageRecord | undefined> {
  const { image, pull, platform } = request
  if (image === undefined) return undefined
  // The usual case needs no word of the registry's code.
  const local = pull === 'missing' || pull === 'never' ? findLocalImage(engine.store, image) : undefined
  if (local && platform === undefined) return local
  if (pull === 'never' && !local) throw unknownImage(image)
  const { pullImage } = await import('../image/pull.ts')
  const { tlsVerify, certDir, authfile } = request
  const { id } = await pullImage(engine, {
    reference: image,
    platform,
    policy: pull,
    tlsVerify,
    certDir,
    authfile,
    onProgress,
  })
  const pulled = findLocalImage(engine.store, id)
  if (!pulled)
    throw new BryoError('STORAGE', `cannot use image "${image}": it was removed while it was pulled`)
  return pulled
}
