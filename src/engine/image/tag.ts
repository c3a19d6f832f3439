import { BryoError } from '../../base/errors.ts'
import { newLocalName } from '../../image/reference.ts'
import { tagImage as tagInStore, untagImage as untagInStore } from '../../storage/image/edit.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { Engine } from '../engine.ts'
import { noteImage } from './event.ts'
import { findAmong, readFound, refuseReadOnly, requireFound } from './find.ts'

/**
 * Gives an image further names; a short one belongs to `localhost/`.
 * @throws BryoError NOT_FOUND, INVALID_REFERENCE
 */
export function tagImage(engine: Engine, image: string, names: readonly string[]): void {
  const found = requireFound(readAllImages(engine.store), image)
  refuseReadOnly(found.summary, 'tag')
  const { id, manifestDigest } = readFound(engine.store, found)
  for (const name of names.map((text) => newLocalName(text, 'tag'))) {
    tagInStore(engine.store, id, name, manifestDigest)
    noteImage(engine.store, 'tag', { id, name })
  }
}

/**
 * Takes names from an image, all where none are given; the image stays.
 * @throws BryoError NOT_FOUND
 */
export function untagImage(engine: Engine, image: string, names: readonly string[]): void {
  const images = readAllImages(engine.store)
  const { summary } = requireFound(images, image)
  refuseReadOnly(summary, 'untag')
  const meant = names.map((name) => {
    const found = findAmong(images, name)
    if (found?.name !== undefined && found.summary.id === summary.id) return found.name
    throw new BryoError('NOT_FOUND', `cannot untag "${name}": it is no name of image "${image}"`)
  })
  untagInStore(engine.store, summary.id, meant.length > 0 ? meant : undefined)
  for (const name of meant.length > 0 ? meant : summary.names) {
    noteImage(engine.store, 'untag', { id: summary.id, name })
  }
}
