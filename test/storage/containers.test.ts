import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createContainerRecord, updateContainerRecord } from '../../src/storage/container/create.ts'
import { findContainer, readContainers, requireContainer } from '../../src/storage/container/find.ts'
import { containerRunDirectory } from '../../src/storage/container/record.ts'
import { removeContainer } from '../../src/storage/container/remove.ts'
import { effectiveState, processRef, readState, writeState } from '../../src/storage/container/state.ts'
import { composeName } from '../../src/storage/container/words.ts'
import { recoverStore } from '../../src/storage/recover.ts'
import type { Store } from '../../src/storage/store.ts'
import { ensureVolume, readVolumes } from '../../src/storage/volume/volumes.ts'
import { containerRequest, digest } from './support/records.ts'
import { temporaryStore } from './support/store.ts'

const everything = (store: Store) =>
  [store.containers, store.names, store.pending, store.tmp].flatMap((path) => readdirSync(path))
const self = () => {
  const found = processRef(process.pid)
  if (!found) throw new Error('this process is not in /proc')
  return found
}
const STARTED = '2026-01-02T03:04:06Z'

describe('createContainerRecord()', () => {
  it('makes a container that is found by name, id and prefix', () => {
    const store = temporaryStore()
    const image = { id: digest('a'), name: 'docker.io/library/alpine:3' }
    const draft = createContainerRecord(
      store,
      containerRequest({ name: 'web', image, config: { tty: true }, durable: true }),
    )
    draft.commit()
    expect(draft.record).toMatchObject({ name: 'web', image, config: { tty: true } })
    for (const text of ['web', draft.record.id, draft.record.id.slice(0, 12)]) {
      expect(findContainer(store, text)).toEqual(draft.record)
    }
    expect(readContainers(store)).toEqual([draft.record])
    expect(readdirSync(store.pending)).toEqual([])
  })

  it('gives a name of two words', () => {
    const store = temporaryStore()
    expect(createContainerRecord(store, containerRequest()).record.name).toMatch(/^[a-z]+_[a-z]+$/)
  })

  it('refuses a name in use, and leaves nothing of the second container', () => {
    const store = temporaryStore()
    const first = createContainerRecord(store, containerRequest({ name: 'web' }))
    first.commit()
    expect(() => createContainerRecord(store, containerRequest({ name: 'web' }))).toThrow(
      expect.objectContaining({ code: 'NAME_IN_USE', message: expect.stringContaining(first.record.id) }),
    )
    expect(everything(store)).toEqual([first.record.id, 'web'])
  })

  it('takes over a name whose container is gone', () => {
    const store = temporaryStore()
    symlinkSync('a'.repeat(64), join(store.names, 'web'))
    expect(createContainerRecord(store, containerRequest({ name: 'web' })).record.name).toBe('web')
  })

  it.each(['', '-a', '.a', 'a/b', '../a', 'a b', 'ä', 'a'.repeat(256)])('refuses the name %j', (name) => {
    const store = temporaryStore()
    expect(() => createContainerRecord(store, containerRequest({ name }))).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
    expect(everything(store)).toEqual([])
  })

  it('goes with its scope unless it was committed', () => {
    const store = temporaryStore()
    {
      using _draft = createContainerRecord(store, containerRequest())
    }
    expect(everything(store)).toEqual([])
  })
})

describe('findContainer()', () => {
  it('finds nothing by a path, and says so', () => {
    const store = temporaryStore()
    expect(findContainer(store, '../names/x')).toBeUndefined()
    expect(() => requireContainer(store, 'nope')).toThrow(/no container with name or ID "nope" found/)
  })

  it('names the containers that a prefix may mean', () => {
    const store = temporaryStore()
    for (const digits of ['ab1', 'ab2']) mkdirSync(join(store.containers, digits.padEnd(64, '0')))
    expect(() => findContainer(store, 'ab')).toThrow(expect.objectContaining({ code: 'AMBIGUOUS' }))
  })
})

describe('updateContainerRecord()', () => {
  it('replaces the record of a container that is there', () => {
    const store = temporaryStore()
    const draft = createContainerRecord(store, containerRequest())
    expect(updateContainerRecord(store, { ...draft.record, command: ['top'] })).toBe(true)
    expect(findContainer(store, draft.record.id)?.command).toEqual(['top'])
    draft.discard()
    expect(updateContainerRecord(store, draft.record)).toBe(false)
  })
})

describe('effectiveState()', () => {
  it('tells created, running and exited', () => {
    const store = temporaryStore()
    const { record } = createContainerRecord(store, containerRequest())
    expect(effectiveState(store, record.id)).toEqual({ status: 'created' })
    writeState(store, record.id, { status: 'running', process: self(), startedAt: STARTED })
    expect(effectiveState(store, record.id).status).toBe('running')
    const exited = { status: 'exited', exitCode: 3, startedAt: STARTED, finishedAt: STARTED } as const
    writeState(store, record.id, exited)
    expect(effectiveState(store, record.id)).toEqual(exited)
  })

  it.each([
    ['another process has its pid', { startTime: '1' }],
    ['the host was started again', { bootId: 'another' }],
  ])('knows that it exited where %s', (_, change) => {
    const store = temporaryStore()
    const { record } = createContainerRecord(store, containerRequest())
    writeState(store, record.id, { status: 'running', process: { ...self(), ...change }, startedAt: STARTED })
    expect(effectiveState(store, record.id)).toEqual({ status: 'exited', startedAt: STARTED })
  })

  it('says stopping while the monitor is about to write the end', () => {
    const store = temporaryStore()
    const { record } = createContainerRecord(store, containerRequest())
    const gone = { ...self(), startTime: '1' }
    writeState(store, record.id, { status: 'running', process: gone, monitor: self(), startedAt: STARTED })
    expect(effectiveState(store, record.id).status).toBe('stopping')
  })

  it('leaves an initialized container so until its end is written, or its monitor is gone', () => {
    const store = temporaryStore()
    const { record } = createContainerRecord(store, containerRequest())
    const waits = { status: 'initialized', process: self(), monitor: self(), cgroup: '/group' } as const
    writeState(store, record.id, waits)
    expect(effectiveState(store, record.id)).toEqual(waits)
    const ended = { ...waits, process: { ...self(), startTime: '1' } }
    writeState(store, record.id, ended)
    expect(effectiveState(store, record.id)).toEqual(ended)
    writeState(store, record.id, { ...ended, monitor: { ...self(), bootId: 'another' } })
    expect(effectiveState(store, record.id)).toEqual({ status: 'exited' })
  })

  it('keeps no state of a container that was removed', () => {
    const store = temporaryStore()
    const draft = createContainerRecord(store, containerRequest())
    draft.discard()
    expect(writeState(store, draft.record.id, { status: 'exited', exitCode: 0 })).toBe(false)
    expect(readState(store, draft.record.id)).toEqual({ status: 'created' })
  })
})

describe('removeContainer()', () => {
  it('removes all of it and frees the name', () => {
    const store = temporaryStore()
    const draft = createContainerRecord(store, containerRequest({ name: 'web' }))
    draft.commit()
    mkdirSync(join(draft.directory, 'work', 'work'), { recursive: true, mode: 0o000 })
    const run = containerRunDirectory(store, draft.record.id)
    mkdirSync(run, { recursive: true })
    removeContainer(store, draft.record.id, { removeVolumes: false })
    expect([...everything(store), ...readdirSync(store.containerRuns)]).toEqual([])
  })

  it('refuses while another process makes it', () => {
    const store = temporaryStore()
    using draft = createContainerRecord(store, containerRequest())
    expect(() => removeContainer(store, draft.record.id, { removeVolumes: false })).toThrow(
      expect.objectContaining({ code: 'IN_USE' }),
    )
  })

  it('takes anonymous volumes along where asked, and never named ones', () => {
    const store = temporaryStore()
    for (const removeVolumes of [false, true]) {
      const [named, anonymous] = ['data', 'b'.repeat(64)]
      const draft = createContainerRecord(
        store,
        containerRequest({ volumes: [named, anonymous], anonymousVolumes: [anonymous] }),
      )
      draft.commit()
      ensureVolume(store, { name: named, created: STARTED })
      ensureVolume(store, { name: anonymous, created: STARTED, anonymous: true })
      removeContainer(store, draft.record.id, { removeVolumes })
      expect(readVolumes(store).map(({ name }) => name)).toEqual(removeVolumes ? [named] : [anonymous, named])
    }
  })
})

describe('recoverStore()', () => {
  it('removes a half-made container whose process is gone', () => {
    const store = temporaryStore()
    const draft = createContainerRecord(store, containerRequest({ name: 'web' }))
    expect(recoverStore(store)).toEqual({ undone: [], failed: [] })
    draft.work.lock.release()
    expect(recoverStore(store).undone).toEqual([`container-${draft.record.id}`])
    expect(everything(store)).toEqual([])
  })

  it('removes a --rm container that ended unseen, and keeps one that runs', () => {
    const store = temporaryStore()
    const drafts = [self(), { ...self(), startTime: '1' }].map((process) => {
      const draft = createContainerRecord(store, containerRequest({ autoRemove: true }))
      writeState(store, draft.record.id, { status: 'running', process, startedAt: STARTED })
      draft.commit()
      draft.work.lock.release()
      return draft
    })
    expect(recoverStore(store).undone).toEqual([`container-${drafts[1]?.record.id}`])
    expect(readContainers(store)).toEqual([drafts[0]?.record])
  })

  it('removes a container whose record and state a power cut spoilt', () => {
    const store = temporaryStore()
    const draft = createContainerRecord(store, containerRequest({ name: 'web', autoRemove: true }))
    for (const file of ['container.json', 'state.json']) writeFileSync(join(draft.directory, file), '')
    draft.work.lock.release()
    expect(recoverStore(store).failed).toEqual([])
    expect(everything(store)).toEqual([])
  })

  it('finishes a removal that stopped after the container was hidden', () => {
    const store = temporaryStore()
    const draft = createContainerRecord(store, containerRequest({ name: 'web' }))
    const { id } = draft.record
    draft.commit()
    mkdirSync(join(store.tmp, `container-${id}`))
    writeFileSync(join(store.pending, `container-${id}`), '')
    recoverStore(store)
    expect(everything(store)).toEqual([])
  })
})

describe('composeName()', () => {
  it('makes thousands of pairs of distinct words', () => {
    const at = (x: number, y: number) => {
      const numbers = [x / 200, y / 200]
      return composeName(() => numbers.shift() ?? 0)
    }
    const names = Array.from({ length: 200 }, (_, x) =>
      Array.from({ length: 200 }, (_, y) => at(x, y)),
    ).flat()
    expect(new Set(names).size).toBeGreaterThan(9000)
    for (const name of names) expect(name).toMatch(/^[a-z]+_[a-z]+$/)
  })
})
