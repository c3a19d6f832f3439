import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLogSink } from '../../../src/monitor/log/open.ts'
import { AT, logConfig, scratch } from './support.ts'

const TIME = '2026-11-03T12:34:56.123456789Z'

function logged(
  pieces: readonly (string | Uint8Array)[],
  changes: Partial<Parameters<typeof logConfig>[0]> = {},
) {
  const path = join(scratch(), 'ctr.log')
  const sink = openLogSink(logConfig({ path, driver: 'json-file', ...changes }))
  for (const piece of pieces) sink.write('stdout', Buffer.from(piece), AT)
  sink.close()
  return readFileSync(path, 'utf8')
}

const texts = (log: string): readonly string[] =>
  log
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).log)

describe('openLogSink() with json-file', () => {
  it("writes Docker's records", () => {
    expect(logged(['a "b"\n\tc\n'])).toBe(
      `{"log":"a \\"b\\"\\n","stream":"stdout","time":"${TIME}"}\n{"log":"\\tc\\n","stream":"stdout","time":"${TIME}"}\n`,
    )
  })

  it('keeps the stream apart, and a line that has not ended', () => {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path, driver: 'json-file' }))
    sink.write('stderr', Buffer.from('> '), AT)
    expect(readFileSync(path, 'utf8')).toBe(`{"log":"> ","stream":"stderr","time":"${TIME}"}\n`)
    sink.close()
  })

  it('puts characters together that were read in parts', () => {
    const bytes = Buffer.from('a€b😀c\n')
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(texts(logged([bytes.subarray(0, cut), bytes.subarray(cut)])).join('')).toBe('a€b😀c\n')
    }
  })

  it('splits long lines anywhere but within a character', () => {
    const text = `${'€\u0001'.repeat(10_000)}\n`
    const records = texts(logged([text]))
    expect(records.length).toBeGreaterThan(5)
    expect(records.join('')).toBe(text)
  })

  it('replaces what is not UTF-8, at the end too', () => {
    expect(texts(logged([Uint8Array.of(0xff, 0x61, 10, 0xe2, 0x82)]))).toEqual(['\ufffda\n', '\ufffd'])
  })

  it('adds the chosen labels and the tag to each record', () => {
    const log = logged(['x\n'], { attributes: { team: 'a' }, tag: 'web' })
    expect(JSON.parse(log).attrs).toEqual({ team: 'a', tag: 'web' })
  })
})
