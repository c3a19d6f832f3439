import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/base/digest.ts'
import { openPartial } from '../../src/storage/blob/partial.ts'
import { blobPath, hasBlob, readBlob } from '../../src/storage/blob/read.ts'
import { createBlobWriter, putBlob } from '../../src/storage/blob/write.ts'
import { hostPath } from '../../src/storage/hostPath.ts'
import { acquireLock } from '../../src/storage/lock.ts'
import type { Store } from '../../src/storage/store.ts'
import { digest } from './support/records.ts'
import { temporaryStore } from './support/store.ts'

const sha256 = (text: string) => parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`)
const leftIn = (store: Store) =>
  [store.tmp, store.pending, store.partial].flatMap((path) => readdirSync(path))

describe('createBlobWriter()', () => {
  it('stores what was written under its digest', () => {
    const store = temporaryStore()
    using writer = createBlobWriter(store)
    writer.write(Buffer.from('he'))
    writer.write(Buffer.from('llo'))
    expect(writer.size).toBe(5)
    const blob = writer.commit({ durable: true })
    expect(blob).toEqual({ digest: sha256('hello'), size: 5 })
    expect(readFileSync(blobPath(store, blob.digest), 'utf8')).toBe('hello')
    expect(leftIn(store)).toEqual([])
  })

  it('shows nothing before the commit, and leaves nothing without it', () => {
    const store = temporaryStore()
    {
      using writer = createBlobWriter(store)
      writer.write(Buffer.from('hello'))
      expect(readdirSync(store.blobs)).toEqual([])
    }
    expect([...readdirSync(store.blobs), ...leftIn(store)]).toEqual([])
  })

  it.each([
    ['another digest', { digest: digest('a') }],
    ['another size', { digest: sha256('hello'), size: 6 }],
  ])('refuses content with %s and keeps nothing of it', (_, expected) => {
    const store = temporaryStore()
    using writer = createBlobWriter(store)
    writer.write(Buffer.from('hello'))
    expect(() => writer.commit({ expected })).toThrow(expect.objectContaining({ code: 'DIGEST_MISMATCH' }))
    expect([...readdirSync(store.blobs), ...leftIn(store)]).toEqual([])
  })
})

describe('readBlob()', () => {
  it('gives the content', () => {
    const store = temporaryStore()
    const blob = putBlob(store, Buffer.from('hello'))
    expect(readBlob(store, blob.digest, 5).toString()).toBe('hello')
  })

  it('refuses what is too large, and names what is missing', () => {
    const store = temporaryStore()
    const blob = putBlob(store, Buffer.from('hello'))
    expect(() => readBlob(store, blob.digest, 4)).toThrow(/5 bytes, expected at most 4/)
    expect(() => readBlob(store, digest('b'), 4)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
})

describe('hasBlob()', () => {
  it('takes a blob of another length for none', () => {
    const store = temporaryStore()
    const blob = putBlob(store, Buffer.from('hello'))
    expect([
      hasBlob(store, blob.digest),
      hasBlob(store, blob.digest, 5),
      hasBlob(store, blob.digest, 4),
    ]).toEqual([true, true, false])
  })
})

describe('openPartial()', () => {
  it('goes on where an interrupted download stopped', async () => {
    const store = temporaryStore()
    {
      using first = await openPartial(store, sha256('hello'))
      first?.write(Buffer.from('hel'))
    }
    using second = await openPartial(store, sha256('hello'))
    expect(second?.size).toBe(3)
    second?.write(Buffer.from('lo'))
    expect(second?.commit()).toEqual({ digest: sha256('hello'), size: 5 })
    expect(leftIn(store)).toEqual([])
    expect(await openPartial(store, sha256('hello'))).toBeUndefined()
  })

  it('starts again for a server that cannot resume', async () => {
    const store = temporaryStore()
    writeFileSync(hostPath(store.partial, sha256('hello').slice(7)), 'garbage')
    using partial = await openPartial(store, sha256('hello'))
    partial?.restart()
    partial?.write(Buffer.from('hello'))
    expect(partial?.commit().size).toBe(5)
  })

  it('forgets a download whose digest is wrong', async () => {
    const store = temporaryStore()
    using partial = await openPartial(store, sha256('hello'))
    partial?.write(Buffer.from('jello'))
    expect(() => partial?.commit()).toThrow(expect.objectContaining({ code: 'DIGEST_MISMATCH' }))
    expect([...readdirSync(store.blobs), ...leftIn(store)]).toEqual([])
  })

  it('lets a second process wait and then find the blob', async () => {
    const store = temporaryStore()
    const first = await openPartial(store, sha256('hello'))
    const second = openPartial(store, sha256('hello'))
    first?.write(Buffer.from('hello'))
    first?.commit()
    expect(await second).toBeUndefined()
    expect(leftIn(store)).toEqual([])
  })

  it('holds a lock while it is open', async () => {
    const store = temporaryStore()
    using partial = await openPartial(store, sha256('hello'))
    expect(acquireLock(partial?.path ?? '', { mode: 'exclusive', wait: false })).toBeUndefined()
  })
})
