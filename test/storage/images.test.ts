import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/base/digest.ts'
import { hasBlob } from '../../src/storage/blob/read.ts'
import { putBlob } from '../../src/storage/blob/write.ts'
import { createContainerRecord } from '../../src/storage/container/create.ts'
import { collectGarbage, removeImage } from '../../src/storage/gc.ts'
import {
  dropImage,
  forgetDigest,
  lockForAdding,
  putImage,
  tagImage,
  untagImage,
} from '../../src/storage/image/edit.ts'
import { findImage, readImages } from '../../src/storage/image/images.ts'
import { blobsOf } from '../../src/storage/image/manifests.ts'
import { beginLayer, readLayers } from '../../src/storage/layer/layers.ts'
import type { Store } from '../../src/storage/store.ts'
import { containerRequest, digest, imageRecord } from './support/records.ts'
import { temporaryStore } from './support/store.ts'

const ALPINE = 'docker.io/library/alpine:3'
const namesById = (store: Store) =>
  Object.fromEntries(readImages(store).map(({ id, names }) => [id.slice(7, 8), names]))

async function addLayer(store: Store, hexDigit: string): Promise<void> {
  using draft = await beginLayer(store, digest(hexDigit))
  draft?.commit({ size: 1 })
}

describe('putImage()', () => {
  it('keeps the whole record', () => {
    const store = temporaryStore()
    const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digest('d'), size: 3 }
    const layers = [
      { diffId: digest('e'), size: 4, blob },
      { diffId: digest('f'), size: 5 },
    ]
    const image = imageRecord('a', { names: [ALPINE], layers, otherBlobs: [digest('9')] })
    putImage(store, image)
    expect(findImage(store, ALPINE)).toEqual(image)
  })

  it('moves a name from the image that had it', () => {
    const store = temporaryStore()
    putImage(store, imageRecord('a', { names: [ALPINE, 'docker.io/library/alpine:3.1'] }))
    putImage(store, imageRecord('b', { names: [ALPINE] }))
    expect(namesById(store)).toEqual({ a: ['docker.io/library/alpine:3.1'], b: [ALPINE] })
  })

  it('adds names to an image that is there', () => {
    const store = temporaryStore()
    putImage(store, imageRecord('a', { names: ['x:1'], repoDigests: ['x@1'] }))
    putImage(store, imageRecord('a', { names: ['x:2'], repoDigests: ['x@1'] }))
    expect(readImages(store)).toMatchObject([{ names: ['x:1', 'x:2'], repoDigests: ['x@1'] }])
  })

  it('leaves nothing beside the index', () => {
    const store = temporaryStore()
    putImage(store, imageRecord('a'))
    expect([...readdirSync(store.tmp), ...readdirSync(store.pending)]).toEqual([])
  })
})

describe('an image that came with two manifests', () => {
  const blob = (hexDigit: string) => ({ mediaType: 'application/x', digest: digest(hexDigit), size: 1 })
  const came = (hexDigit: string, name: string, layerBlob: string) =>
    imageRecord('a', {
      manifestDigest: digest(hexDigit),
      names: [name],
      repoDigests: [`${name.split(':')[0]}@${digest(hexDigit)}`],
      layers: [{ diffId: digest('e'), size: 1, blob: blob(layerBlob) }],
    })
  const storeOfTwo = () => {
    const store = temporaryStore()
    putImage(store, came('1', 'x:1', '3'))
    putImage(store, came('2', 'y:1', '4'))
    return store
  }
  const manifestOf = (store: Store, text: string) => {
    const found = findImage(store, text)
    return found && [found.manifestDigest, found.layers[0]?.blob?.digest]
  }

  it('is found in the form that its name or digest means', () => {
    const store = storeOfTwo()
    expect(manifestOf(store, 'x:1')).toEqual([digest('1'), digest('3')])
    expect(manifestOf(store, 'y:1')).toEqual([digest('2'), digest('4')])
    expect(manifestOf(store, `x@${digest('1')}`)).toEqual([digest('1'), digest('3')])
    expect(manifestOf(store, `y@${digest('2')}`)).toEqual([digest('2'), digest('4')])
    expect(manifestOf(store, digest('a'))).toEqual([digest('2'), digest('4')])
  })

  it('gives a name the form that it comes with anew, and a tag the one that it is given', () => {
    const store = storeOfTwo()
    tagImage(store, digest('a'), 'z:1', digest('1'))
    expect(manifestOf(store, 'z:1')?.[0]).toBe(digest('1'))
    putImage(store, came('2', 'x:1', '4'))
    expect(['x:1', 'y:1', 'z:1'].map((name) => manifestOf(store, name)?.[0])).toEqual(
      ['2', '2', '1'].map(digest),
    )
    untagImage(store, digest('a'), ['z:1'])
    expect(readImages(store)[0]?.namedManifests ?? []).toEqual([])
    expect(manifestOf(store, `x@${digest('1')}`)?.[0]).toBe(digest('1'))
  })

  it('keeps the blobs of both, until a digest is forgotten that nothing else means', () => {
    const store = storeOfTwo()
    const blobs = () => [...blobsOf(findImage(store, 'y:1') ?? imageRecord('f'))].sort()
    expect(blobs()).toEqual(['1', '2', '3', '4', 'a'].map(digest))
    forgetDigest(store, digest('a'), `x@${digest('1')}`)
    expect(blobs()).toHaveLength(5)
    untagImage(store, digest('a'), ['x:1'])
    forgetDigest(store, digest('a'), `x@${digest('1')}`)
    expect(blobs()).toEqual(['2', '4', 'a'].map(digest))
  })

  it('comes last with a manifest that is there already', () => {
    const store = storeOfTwo()
    putImage(store, came('1', 'x:2', '3'))
    expect(manifestOf(store, 'a')?.[0]).toBe(digest('1'))
    expect(['x:1', 'x:2', 'y:1'].map((name) => manifestOf(store, name)?.[0])).toEqual(
      ['1', '1', '2'].map(digest),
    )
    expect(readImages(store)).toMatchObject([{ namedManifests: [{ name: 'y:1' }] }])
  })
})

describe('findImage()', () => {
  it('finds by name, repository digest, id and prefix of the id', () => {
    const store = temporaryStore()
    putImage(
      store,
      imageRecord('a', { names: [ALPINE], repoDigests: [`docker.io/library/alpine@${digest('1')}`] }),
    )
    putImage(store, imageRecord('b'))
    const idOf = (text: string) => findImage(store, text)?.id
    expect(idOf(ALPINE)).toBe(digest('a'))
    expect(idOf(`docker.io/library/alpine@${digest('1')}`)).toBe(digest('a'))
    expect(idOf(digest('b'))).toBe(digest('b'))
    expect(idOf('sha256:bbb')).toBe(digest('b'))
    expect(idOf('aaaa')).toBe(digest('a'))
    expect(idOf('cccc')).toBeUndefined()
    expect(idOf('no:such')).toBeUndefined()
  })

  it('names the images that a short id may mean', () => {
    const store = temporaryStore()
    putImage(store, imageRecord('a'))
    putImage(store, imageRecord('b', { id: parseDigest(`${digest('a').slice(0, -1)}0`) }))
    expect(() => findImage(store, 'aaaa')).toThrow(expect.objectContaining({ code: 'AMBIGUOUS' }))
  })

  it('finds nothing in an empty store', () => {
    expect(findImage(temporaryStore(), 'a')).toBeUndefined()
  })
})

describe('tagImage() and untagImage()', () => {
  it('give and take names', () => {
    const store = temporaryStore()
    putImage(store, imageRecord('a', { names: ['x:1'] }))
    putImage(store, imageRecord('b', { names: ['x:2'] }))
    tagImage(store, digest('b'), 'x:1')
    expect(namesById(store)).toEqual({ a: [], b: ['x:2', 'x:1'] })
    untagImage(store, digest('b'), ['x:2'])
    expect(namesById(store)).toEqual({ a: [], b: ['x:1'] })
    expect(() => untagImage(store, digest('b'), ['x:2'])).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
    untagImage(store, digest('b'))
    expect(namesById(store)).toEqual({ a: [], b: [] })
    expect(() => tagImage(store, digest('c'), 'x:1')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
})

describe('removeImage()', () => {
  it('frees what only this image used', async () => {
    const store = temporaryStore()
    for (const hexDigit of ['1', '2', '3']) await addLayer(store, hexDigit)
    const config = putBlob(store, Buffer.from('config'))
    const other = putBlob(store, Buffer.from('other'))
    const layer = (hexDigit: string) => ({ diffId: digest(hexDigit), size: 1 })
    putImage(store, imageRecord('a', { id: config.digest, layers: [layer('1'), layer('2')] }))
    putImage(store, imageRecord('b', { layers: [layer('2')], otherBlobs: [other.digest] }))
    expect(removeImage(store, config.digest)).toEqual({
      blobs: [config.digest],
      layers: expect.arrayContaining([digest('1'), digest('3')]),
    })
    expect(readLayers(store).map(({ diffId }) => diffId)).toEqual([digest('2')])
    expect([hasBlob(store, config.digest), hasBlob(store, other.digest)]).toEqual([false, true])
    expect(readdirSync(store.images)).toHaveLength(1)
  })

  it("keeps a container's layers", async () => {
    const store = temporaryStore()
    await addLayer(store, '1')
    createContainerRecord(store, containerRequest({ layers: [digest('1')] })).commit()
    expect(collectGarbage(store, { partials: true })?.layers).toEqual([])
  })

  it('frees nothing while somebody adds an image', async () => {
    const store = temporaryStore()
    await addLayer(store, '1')
    putImage(store, imageRecord('a'))
    {
      using _adding = lockForAdding(store)
      using _alsoAdding = lockForAdding(store)
      expect(removeImage(store, digest('a'))).toBeUndefined()
      expect(readImages(store)).toEqual([])
    }
    expect(collectGarbage(store, { partials: false })?.layers).toEqual([digest('1')])
  })

  it('says where there is no such image', () => {
    expect(() => dropImage(temporaryStore(), digest('a'))).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
  })
})

describe('readImages()', () => {
  it('makes no index', () => {
    const store = temporaryStore()
    expect(readImages(store)).toEqual([])
    expect(existsSync(store.imageIndex)).toBe(false)
  })
})
