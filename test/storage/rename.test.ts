import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { changeContainerRecord, createContainerRecord } from '../../src/storage/container/create.ts'
import { findContainer } from '../../src/storage/container/find.ts'
import type { ContainerRecord } from '../../src/storage/container/record.ts'
import { removeContainer } from '../../src/storage/container/remove.ts'
import { renameContainer } from '../../src/storage/container/rename.ts'
import type { Store } from '../../src/storage/store.ts'
import { containerRequest } from './support/records.ts'
import { temporaryStore } from './support/store.ts'

function make(store: Store, name: string): ContainerRecord {
  const draft = createContainerRecord(store, containerRequest({ name }))
  draft.commit()
  return draft.record
}

describe('renameContainer()', () => {
  it('changes the name in the record and in the directory of names', () => {
    const store = temporaryStore()
    const record = make(store, 'old')
    renameContainer(store, record, 'new')
    expect(findContainer(store, 'new')).toEqual({ ...record, name: 'new' })
    expect(findContainer(store, 'old')).toBeUndefined()
    expect(readdirSync(store.names)).toEqual(['new'])
  })

  it('leaves the old name to others', () => {
    const store = temporaryStore()
    renameContainer(store, make(store, 'old'), 'new')
    expect(make(store, 'old').name).toBe('old')
    expect(readdirSync(store.names).toSorted()).toEqual(['new', 'old'])
  })

  it('to the same name changes nothing', () => {
    const store = temporaryStore()
    const record = make(store, 'same')
    renameContainer(store, record, 'same')
    expect(findContainer(store, 'same')).toEqual(record)
  })

  it('refuses a name in use, and one that is none', () => {
    const store = temporaryStore()
    const record = make(store, 'one')
    make(store, 'two')
    expect(() => renameContainer(store, record, 'two')).toThrow(
      expect.objectContaining({ code: 'NAME_IN_USE' }),
    )
    expect(() => renameContainer(store, record, 'b@d')).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(findContainer(store, 'one')).toEqual(record)
    expect(readdirSync(store.names).toSorted()).toEqual(['one', 'two'])
  })

  it('of a container that is gone is an error, and takes no name', () => {
    const store = temporaryStore()
    const record = make(store, 'gone')
    removeContainer(store, record.id, { removeVolumes: false })
    expect(() => renameContainer(store, record, 'new')).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
    expect(readdirSync(store.names)).toEqual([])
  })
})

describe('changeContainerRecord()', () => {
  it('changes what there is now, and neither id nor name', () => {
    const store = temporaryStore()
    const record = make(store, 'old')
    renameContainer(store, record, 'new')
    expect(changeContainerRecord(store, record.id, (current) => ({ ...current, name: 'x', config: 1 }))).toBe(
      true,
    )
    expect(findContainer(store, 'new')).toEqual({ ...record, name: 'new', config: 1 })
  })

  it('changes nothing of a container that is gone', () => {
    const store = temporaryStore()
    const record = make(store, 'gone')
    removeContainer(store, record.id, { removeVolumes: false })
    expect(changeContainerRecord(store, record.id, (current) => current)).toBe(false)
  })
})

describe('a rename that was killed', () => {
  it('before the record was written leaves the container under its old name, and the new one free', () => {
    const store = temporaryStore()
    const record = make(store, 'old')
    symlinkSync(record.id, join(store.names, 'new'))
    expect(findContainer(store, 'new')).toBeUndefined()
    expect(findContainer(store, 'old')).toEqual(record)
    expect(make(store, 'new').name).toBe('new')
    renameContainer(store, record, 'newer')
    expect(findContainer(store, 'newer')?.id).toBe(record.id)
  })

  it('after it leaves the container under its new name, and the old one free', () => {
    const store = temporaryStore()
    const record = make(store, 'new')
    symlinkSync(record.id, join(store.names, 'old'))
    expect(findContainer(store, 'old')).toBeUndefined()
    expect(make(store, 'old').id).not.toBe(record.id)
  })

  it('can be done again', () => {
    const store = temporaryStore()
    const record = make(store, 'old')
    symlinkSync(record.id, join(store.names, 'new'))
    renameContainer(store, record, 'new')
    expect(readdirSync(store.names)).toEqual(['new'])
  })
})
