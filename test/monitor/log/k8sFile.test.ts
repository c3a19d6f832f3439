import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLogSink } from '../../../src/monitor/log/open.ts'
import { AT, logConfig, scratch } from './support.ts'

const TIME = '2026-11-03T12:34:56.123456789Z'
const read = (path: string): string => readFileSync(path, 'utf8')

/** Writes the pieces to standard output and gives the log's content. */
function logged(pieces: readonly (string | Uint8Array)[]): string {
  const path = join(scratch(), 'ctr.log')
  const sink = openLogSink(logConfig({ path }))
  for (const piece of pieces) sink.write('stdout', Buffer.from(piece), AT)
  sink.close()
  return read(path)
}

describe('openLogSink() with k8s-file', () => {
  it('writes a record for each line, with its time and stream', () => {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path }))
    sink.write('stdout', Buffer.from('one\n\ntwo\n'), AT)
    sink.write('stderr', Buffer.from('three\n'), AT + 1n)
    sink.close()
    expect(read(path)).toBe(
      `${TIME} stdout F one\n${TIME} stdout F \n${TIME} stdout F two\n2026-11-03T12:34:56.123456790Z stderr F three\n`,
    )
  })

  it('marks what has no line end as partial', () => {
    expect(logged(['a', 'b\nc'])).toBe(`${TIME} stdout P a\n${TIME} stdout F b\n${TIME} stdout P c\n`)
  })

  it('has written what it was given when write() returns', () => {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path }))
    sink.write('stdout', Buffer.from('prompt> '), AT)
    expect(read(path)).toBe(`${TIME} stdout P prompt> \n`)
    sink.close()
  })

  it('splits a line that is longer than a record', () => {
    const records = logged([`${'x'.repeat(40_000)}\n`])
      .split('\n')
      .slice(0, -1)
    expect(records.map((record) => record.slice(TIME.length, TIME.length + 10))).toEqual([
      ' stdout P ',
      ' stdout P ',
      ' stdout F ',
    ])
    expect(records.map((record) => record.slice(TIME.length + 10)).join('')).toBe('x'.repeat(40_000))
  })

  it('keeps bytes that are no text', () => {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path }))
    sink.write('stdout', Uint8Array.of(0xff, 0, 0xc3, 10), AT)
    sink.close()
    expect(readFileSync(path).subarray(TIME.length + 10)).toEqual(Buffer.of(0xff, 0, 0xc3, 10))
  })

  it('continues a log, and ends a record in it that was cut off', () => {
    const path = join(scratch(), 'ctr.log')
    writeFileSync(path, `${TIME} stdout F whole\n2026-11-03T12:`)
    const sink = openLogSink(logConfig({ path }))
    sink.write('stdout', Buffer.from('next\n'), AT)
    sink.close()
    expect(read(path)).toBe(`${TIME} stdout F whole\n2026-11-03T12:\n${TIME} stdout F next\n`)
  })

  it('goes on where its file was emptied by somebody else', () => {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path, maxSize: 1000 }))
    for (let n = 0; n < 20; n++) sink.write('stdout', Buffer.from(`${n}\n`), AT)
    truncateSync(path)
    sink.write('stdout', Buffer.from('after\n'), AT)
    sink.close()
    expect(read(path)).toBe(`${TIME} stdout F after\n`)
    expect(existsSync(`${path}.1`)).toBe(false)
  })
})

describe('rotation', () => {
  const line = (n: number): string => `${String(n).padStart(9, '0')}\n`

  function fill(options: {
    readonly maxSize: number
    readonly maxFiles: number
    readonly lines: number
  }): string {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path, ...options }))
    for (let n = 0; n < options.lines; n++) sink.write('stdout', Buffer.from(line(n)), AT)
    sink.close()
    return path
  }

  const numbers = (path: string): readonly number[] =>
    read(path)
      .split('\n')
      .slice(0, -1)
      .map((record) => Number(record.slice(TIME.length + 10)))

  it('keeps no file larger than the limit, and as many files as asked', () => {
    const path = fill({ maxSize: 500, maxFiles: 3, lines: 35 })
    expect([`${path}.2`, `${path}.1`, path].map(numbers)).toEqual([
      [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
      [20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
      [30, 31, 32, 33, 34],
    ])
    expect(existsSync(`${path}.3`)).toBe(false)
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  it('empties the only file', () => {
    const path = fill({ maxSize: 500, maxFiles: 1, lines: 12 })
    expect(numbers(path)).toEqual([10, 11])
    expect(existsSync(`${path}.1`)).toBe(false)
  })

  it('happens within one write too, between records', () => {
    const path = join(scratch(), 'ctr.log')
    const sink = openLogSink(logConfig({ path, maxSize: 500, maxFiles: 10 }))
    sink.write('stdout', Buffer.from(Array.from({ length: 25 }, (_, n) => line(n)).join('')), AT)
    sink.close()
    expect([`${path}.2`, `${path}.1`, path].flatMap(numbers)).toEqual(Array.from({ length: 25 }, (_, n) => n))
  })

  it('is done by whoever continues a log that is full', () => {
    const path = fill({ maxSize: 500, maxFiles: 2, lines: 10 })
    const sink = openLogSink(logConfig({ path, maxSize: 500 }))
    sink.write('stdout', Buffer.from(line(10)), AT)
    sink.close()
    expect(numbers(`${path}.1`)).toHaveLength(10)
    expect(numbers(path)).toEqual([10])
  })
})

describe('a log that cannot be written', () => {
  it('costs output, and is told once', () => {
    const path = join(scratch(), 'ctr.log')
    symlinkSync('/dev/full', path)
    const troubles: string[] = []
    const sink = openLogSink(logConfig({ path, maxSize: 100 }), (message) => troubles.push(message))
    for (let n = 0; n < 10; n++) sink.write('stdout', Buffer.from('lost\n'), AT)
    sink.close()
    expect(troubles).toEqual([
      expect.stringMatching(/^cannot write the log ".*": .*ENOSPC.*; output is lost/),
    ])
  })

  it('grows beyond its limit where its directory takes no new file', () => {
    const path = join(scratch(), 'ctr.log')
    mkdirSync(`${path}.new`)
    const troubles: string[] = []
    const sink = openLogSink(logConfig({ path, maxSize: 100 }), (message) => troubles.push(message))
    for (const line of ['one\n', 'two\n', 'three\n']) sink.write('stdout', Buffer.from(line), AT)
    sink.close()
    expect(troubles).toHaveLength(1)
    expect(read(path)).toBe(`${TIME} stdout F one\n${TIME} stdout F two\n${TIME} stdout F three\n`)
  })
})
