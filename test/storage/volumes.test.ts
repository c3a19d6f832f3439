import { readdirSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createContainerRecord } from '../../src/storage/container/create.ts'
import { acquireLock } from '../../src/storage/lock.ts'
import { removeVolume } from '../../src/storage/volume/remove.ts'
import {
  anonymousVolumeName,
  ensureVolume,
  finishCopyUp,
  lockVolume,
  readVolume,
  readVolumes,
} from '../../src/storage/volume/volumes.ts'
import { containerRequest } from './support/records.ts'
import { temporaryStore } from './support/store.ts'

const created = '2026-01-02T03:04:05Z'

describe('ensureVolume()', () => {
  it('makes a volume once', () => {
    const store = temporaryStore()
    const volume = ensureVolume(store, { name: 'data', created, labels: { a: 'b' } })
    expect(volume).toMatchObject({ name: 'data', labels: { a: 'b' }, anonymous: false, needsCopyUp: true })
    expect(statSync(volume.path).mode & 0o777).toBe(0o755)
    expect(ensureVolume(store, { name: 'data', created: 'later' })).toEqual(volume)
    expect(readVolumes(store)).toEqual([volume])
    expect([...readdirSync(store.tmp), ...readdirSync(store.pending)]).toEqual([])
  })

  it('makes anonymous ones that stay empty where asked', () => {
    const name = anonymousVolumeName()
    expect(name).toMatch(/^[0-9a-f]{64}$/)
    expect(
      ensureVolume(temporaryStore(), { name, created, anonymous: true, needsCopyUp: false }),
    ).toMatchObject({
      anonymous: true,
      needsCopyUp: false,
    })
  })

  it.each(['', '..', 'a/b', '-v'])('refuses the name %j', (name) => {
    const store = temporaryStore()
    expect(() => ensureVolume(store, { name, created })).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(readVolume(store, name)).toBeUndefined()
  })
})

describe('finishCopyUp()', () => {
  it('marks the volume as filled, under its lock', () => {
    const store = temporaryStore()
    ensureVolume(store, { name: 'data', created })
    using lock = lockVolume(store, 'data')
    expect(acquireLock(lock.path, { mode: 'exclusive', wait: false })).toBeUndefined()
    finishCopyUp(store, 'data')
    expect(readVolume(store, 'data')?.needsCopyUp).toBe(false)
  })
})

describe('removeVolume()', () => {
  it('removes a volume that no container has', () => {
    const store = temporaryStore()
    ensureVolume(store, { name: 'data', created })
    const draft = createContainerRecord(store, containerRequest({ name: 'web', volumes: ['data'] }))
    expect(() => removeVolume(store, 'data')).toThrow(/in use by web/)
    draft.discard()
    removeVolume(store, 'data')
    expect(readVolumes(store)).toEqual([])
    expect(() => removeVolume(store, 'data')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
})
