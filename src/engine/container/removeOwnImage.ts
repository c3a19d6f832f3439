import { BryoError } from '../../base/errors.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'

/** `--rmi`: once a container is gone, its image goes too, by the name it was called by; it stays where another container uses it. */
export async function removeOwnImage(
  engine: Engine,
  { removeImage: isAsked, image }: Pick<ContainerRequest, 'removeImage' | 'image'>,
): Promise<void> {
  if (!isAsked || image === undefined) return
  const { removeImage } = await import('../image/remove.ts')
  const { localName } = await import('../registry/localName.ts')
  try {
    await removeImage(engine, { image: await localName(engine, image) })
  } catch (error) {
    // Used by others, removed by others, or known by further names.
    if (!(error instanceof BryoError) || !['IN_USE', 'NOT_FOUND'].includes(error.code)) throw error
  }
}
