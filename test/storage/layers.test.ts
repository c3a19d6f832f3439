import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/base/digest.ts'
import {
  beginLayer,
  hasLayer,
  layerDiffPath,
  readLayer,
  readLayers,
  removeLayer,
} from '../../src/storage/layer/layers.ts'
import { recoverStore } from '../../src/storage/recover.ts'
import type { Store } from '../../src/storage/store.ts'
import { digest } from './support/records.ts'
import { temporaryStore } from './support/store.ts'

const leftIn = (store: Store) => [store.tmp, store.pending].flatMap((path) => readdirSync(path))

describe('beginLayer()', () => {
  it('makes the layer visible at the commit', async () => {
    const store = temporaryStore()
    using draft = await beginLayer(store, digest('a'))
    writeFileSync(join(draft?.directory ?? '', 'file'), 'content')
    expect(hasLayer(store, digest('a'))).toBe(false)
    draft?.commit({ size: 7 })
    expect(readLayer(store, digest('a'))).toEqual({ diffId: digest('a'), size: 7 })
    expect(readFileSync(join(layerDiffPath(store, digest('a')), 'file'), 'utf8')).toBe('content')
    expect(leftIn(store)).toEqual([])
    expect(await beginLayer(store, digest('a'))).toBeUndefined()
  })

  it('leaves nothing where it is not committed', async () => {
    const store = temporaryStore()
    {
      using draft = await beginLayer(store, digest('a'))
      mkdirSync(join(draft?.directory ?? '', 'directory'))
    }
    expect([...readdirSync(store.layers), ...leftIn(store)]).toEqual([])
  })

  it('lets a second one wait and then find the layer', async () => {
    const store = temporaryStore()
    const first = await beginLayer(store, digest('a'))
    const second = beginLayer(store, digest('a'))
    first?.commit({ size: 0 })
    expect(await second).toBeUndefined()
  })

  it('begins anew where a killed process left half a layer, which is cleared up later', async () => {
    const store = temporaryStore()
    mkdirSync(join(store.tmp, `layer-${'a'.repeat(16)}`, 'diff', 'half'), { recursive: true })
    {
      using draft = await beginLayer(store, digest('a'))
      expect(readdirSync(draft?.directory ?? '')).toEqual([])
      draft?.commit({ size: 0 })
    }
    expect(recoverStore(store)).toMatchObject({ undone: [expect.stringMatching(/^remove-/)], failed: [] })
    expect(leftIn(store)).toEqual([])
  })

  it('refuses a layer whose id starts with the same digits as another', async () => {
    const store = temporaryStore()
    const first = await beginLayer(store, digest('a'))
    first?.commit({ size: 0 })
    const other = parseDigest(`${digest('a').slice(0, -1)}b`)
    expect(() => readLayer(store, other)).toThrow(expect.objectContaining({ code: 'STORAGE' }))
  })
})

describe('removeLayer()', () => {
  it('removes one layer, or nothing', async () => {
    const store = temporaryStore()
    for (const hexDigit of ['a', 'b']) (await beginLayer(store, digest(hexDigit)))?.commit({ size: 1 })
    removeLayer(store, digest('a'))
    removeLayer(store, digest('c'))
    expect(readLayers(store)).toEqual([{ diffId: digest('b'), size: 1 }])
    expect(leftIn(store)).toEqual([])
  })
})
