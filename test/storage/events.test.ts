import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { appendEvent, eventFiles, parseEvent } from '../../src/storage/events.ts'
import { hostPath } from '../../src/storage/hostPath.ts'
import { openStore } from '../../src/storage/store.ts'

function newStore() {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-events-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return openStore({
    dataRoot: hostPath(directory, 'data'),
    runRoot: hostPath(directory, 'run'),
    uid: process.getuid?.() ?? 0,
  })
}

describe('appendEvent()', () => {
  it('adds a line with the time to a file of the user alone', () => {
    const store = newStore()
    expect(appendEvent(store, { type: 'container', action: 'create', id: 'a', name: 'web' })).toBe(true)
    appendEvent(store, { type: 'container', action: 'died', id: 'a', name: 'web', exitCode: 3 })
    const path = eventFiles(store).at(-1) ?? ''
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
        ...{ type: 'container', action: 'create', id: 'a', name: 'web' },
      },
      expect.objectContaining({ action: 'died', exitCode: 3 }),
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('follows no link', () => {
    const store = newStore()
    symlinkSync('/dev/null', eventFiles(store).at(-1) ?? '')
    expect(() => appendEvent(store, { type: 'image', action: 'tag', id: 'a', name: 'b' })).toThrow(/ELOOP/)
  })
})

describe('parseEvent()', () => {
  const event = {
    time: '2026-11-03T12:34:56.000000000Z',
    type: 'volume',
    action: 'create',
    id: 'v',
    name: 'v',
  }

  it('gives what was stored, with attributes as texts', () => {
    const text = JSON.stringify({
      ...event,
      attributes: { a: 'b', n: 1 },
      exitCode: 2,
      image: 'x',
      more: true,
    })
    expect(parseEvent(text)).toEqual({ ...event, attributes: { a: 'b', n: '1' }, exitCode: 2, image: 'x' })
  })

  it('finds an event behind one that was cut off', () => {
    expect(parseEvent(`{"time":"2026-11-03T12${JSON.stringify(event)}`)).toEqual(event)
  })

  it('leaves out everything else', () => {
    for (const text of ['', '[]', 'null', '{}', '{"time":1}', JSON.stringify({ ...event, type: 'x' })]) {
      expect(parseEvent(text)).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.string(), fc.nat(200), (noise, cut) => {
        expect([undefined, 'volume']).toContain(parseEvent(noise + JSON.stringify(event).slice(cut))?.type)
      }),
    )
  })
})
