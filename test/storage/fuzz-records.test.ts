import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isContainerId, readContainer } from '../../src/storage/container/record.ts'
import { effectiveState, readState } from '../../src/storage/container/state.ts'
import { parseEvent } from '../../src/storage/events.ts'
import { hostPath } from '../../src/storage/hostPath.ts'
import { detailOf, parseDetail, parseSummary, summaryOf } from '../../src/storage/image/record.ts'
import { fieldsOf, readJsonFile } from '../../src/storage/json.ts'
import { anyText, attempt, damaged, FUZZ, mutated, textOf } from '../support/fuzz.ts'
import { imageRecord } from './support/records.ts'
import { temporaryDirectory, temporaryStore } from './support/store.ts'

const ID = 'a'.repeat(64)
if (!isContainerId(ID)) throw new Error('it is an id')
const RECORD = {
  ...{
    id: ID,
    name: 'web',
    created: '2024-01-01T00:00:00Z',
    layers: [`sha256:${'b'.repeat(64)}`],
    command: ['sh'],
  },
  ...{ volumes: ['v'], anonymousVolumes: [], autoRemove: false, config: { request: {} } },
  image: { id: `sha256:${'c'.repeat(64)}`, name: 'localhost/a:latest' },
}
const RUNNING = {
  status: 'running',
  process: { pid: 2 ** 22, startTime: '5', bootId: 'x' },
  monitor: { pid: 2 ** 22, startTime: '6', bootId: 'x' },
  startedAt: '2024-01-01T00:00:00Z',
  ports: [{ hostIp: '', hostPort: 1, containerPort: 2, protocol: 'tcp' }],
  restartCount: 1,
}
const EXITED = { status: 'exited', exitCode: 3, startedAt: 'x', finishedAt: 'y', oomKilled: true, error: 'z' }

/** As a file may be after somebody has edited it, or a disk was full. */
function fileOf(document: unknown): fc.Arbitrary<string> {
  const text = JSON.stringify(document)
  return fc.oneof(
    mutated(document).map((value) => JSON.stringify(value) ?? ''),
    damaged(Buffer.from(text)).map((bytes) => bytes.toString()),
    anyText(50),
  )
}

describe('the files of a container', () => {
  it.each([
    ['container.json', RECORD],
    ['state.json', RUNNING],
    ['state.json', EXITED],
  ])('are read or refused whatever they hold: %s', (name, document) => {
    const store = temporaryStore()
    const directory = hostPath(store.containers, ID)
    mkdirSync(directory, { recursive: true })
    fc.assert(
      fc.property(fileOf(document), (text) => {
        writeFileSync(join(directory, name), text)
        attempt(() => readContainer(store, ID))
        const state = attempt(() => readState(store, ID))
        if (state) expect(['created', 'running', 'paused', 'stopping', 'exited']).toContain(state.status)
        // No process has that number: nobody can be taken for the container.
        const now = attempt(() => effectiveState(store, ID))
        if (now && name === 'state.json' && document === RUNNING && text === JSON.stringify(RUNNING))
          expect(now.status).toBe('exited')
      }),
      FUZZ,
    )
  })
})

describe('the records of an image', () => {
  it('are read or refused with members changed, and read as they were written', () => {
    const image = imageRecord('d', { names: ['localhost/a:latest'] })
    expect(parseSummary(fieldsOf(JSON.parse(JSON.stringify(summaryOf(image))), 'file'))).toEqual(
      summaryOf(image),
    )
    expect(parseDetail(fieldsOf(JSON.parse(JSON.stringify(detailOf(image))), 'file'), 'file')).toEqual(
      detailOf(image),
    )
    fc.assert(
      fc.property(mutated(image), (value) => {
        const json = JSON.parse(JSON.stringify(value) ?? 'null')
        attempt(() => parseSummary(fieldsOf(json, 'file')))
        attempt(() => parseDetail(fieldsOf(json, 'file'), 'file'))
      }),
      FUZZ,
    )
  })
})

describe('readJsonFile()', () => {
  it('reads or refuses any bytes', () => {
    const path = join(temporaryDirectory(), 'file.json')
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 100_000 }).map((depth) => Buffer.from('['.repeat(depth))),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    )
    fc.assert(
      fc.property(bytes, (data) => {
        writeFileSync(path, data)
        attempt(() => readJsonFile(path))
      }),
      FUZZ,
    )
  })
})

describe('parseEvent()', () => {
  it('reads an event, or nothing, from any line', () => {
    const event = {
      time: '2024',
      type: 'container',
      action: 'start',
      id: 'a',
      name: 'b',
      attributes: { c: 'd' },
    }
    const lines = fc.oneof(fileOf(event), textOf(['{"time":"', '"', '}', JSON.stringify(event), ',', ':']))
    fc.assert(
      fc.property(lines, (line) => {
        const found = parseEvent(line)
        if (found)
          expect([typeof found.time, typeof found.id, typeof found.name]).toEqual([
            'string',
            'string',
            'string',
          ])
      }),
      FUZZ,
    )
  })
})
