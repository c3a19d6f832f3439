import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LogConfig, LogStream } from '../../src/base/logConfig.ts'
import { createMerger } from '../../src/engine/container/logsMerge.ts'
import { createLogWriter, createPlainPrinter, type TimeRange } from '../../src/engine/container/logsPrint.ts'
import { type LogReader, openLogReader } from '../../src/engine/container/logsReader.ts'
import { parseJsonRecord, parseK8sRecord } from '../../src/engine/container/logsRecord.ts'
import { openLogSink } from '../../src/monitor/log/open.ts'

const AT = 1_793_709_296_000_000_000n
const PARSERS = { 'k8s-file': parseK8sRecord, 'json-file': parseJsonRecord } as const
type FileDriver = keyof typeof PARSERS
const DRIVERS: readonly FileDriver[] = ['k8s-file', 'json-file']

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-logs-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'ctr.log')
}

function config(path: string, changes: Partial<LogConfig> = {}): LogConfig {
  const names = { containerId: 'a'.repeat(64), containerName: 'web', image: '' }
  return { driver: 'k8s-file', path, maxFiles: 2, attributes: {}, ...names, ...changes }
}

function read(
  path: string,
  changes: { readonly driver?: FileDriver; readonly maxFiles?: number; readonly tail?: number } = {},
) {
  const { driver = 'k8s-file', maxFiles = 2, tail } = changes
  return openLogReader({ path, maxFiles, parse: PARSERS[driver], tail })
}

type Shown = Record<LogStream, string>

function show(reader: LogReader, options: TimeRange & { readonly timestamps?: boolean } = {}): Shown {
  const shown: Record<LogStream, Buffer[]> = { stdout: [], stderr: [] }
  const writer = createLogWriter({ write: (stream, bytes) => void shown[stream].push(Buffer.from(bytes)) })
  const print = createPlainPrinter(writer, { timestamps: false, ...options })
  while (reader.next()) print(reader.record)
  writer.flush()
  return {
    stdout: Buffer.concat(shown.stdout).toString('latin1'),
    stderr: Buffer.concat(shown.stderr).toString('latin1'),
  }
}

const pieces = fc.array(
  fc.tuple(
    fc.constantFrom<LogStream>('stdout', 'stderr'),
    fc
      .array(fc.constantFrom('a', 'bc', '\n', 'long '.repeat(20), '"\\\t', '€'), { maxLength: 12 })
      .map((all) => all.join('')),
  ),
  { maxLength: 40 },
)

describe.each(DRIVERS)('a log of %s', (driver) => {
  it('gives back what was written, whatever the pieces and the size of the files', () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 60, max: 2000 }), (writes, maxSize) => {
        const path = scratch()
        const maxFiles = 300
        const sink = openLogSink(config(path, { driver, maxSize, maxFiles }))
        for (const [stream, text] of writes) sink.write(stream, Buffer.from(text), AT)
        sink.close()
        using reader = read(path, { driver, maxFiles })
        const of = (wanted: LogStream) =>
          Buffer.from(writes.map(([stream, text]) => (stream === wanted ? text : '')).join('')).toString(
            'latin1',
          )
        expect(show(reader)).toEqual({ stdout: of('stdout'), stderr: of('stderr') })
      }),
      { numRuns: 40 },
    )
  })

  it('begins as many lines before the end as asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 }),
        fc.integer({ min: 0, max: 70 }),
        fc.boolean(),
        (lengths, tail, open) => {
          const path = scratch()
          const sink = openLogSink(config(path, { driver, maxSize: 3000, maxFiles: 50 }))
          const lines = lengths.map((length, n) => `${n}${'x'.repeat(length)}\n`)
          const all = open ? [...lines, 'open'] : lines
          for (const line of all) {
            // In two parts, so that there are partial records.
            sink.write('stdout', Buffer.from(line.slice(0, line.length / 2)), AT)
            sink.write('stdout', Buffer.from(line.slice(line.length / 2)), AT)
          }
          sink.close()
          using reader = read(path, { driver, maxFiles: 50, tail })
          expect(show(reader).stdout).toBe(tail === 0 ? '' : all.slice(-tail).join(''))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('loses nothing to a reader that follows it through rotations', () => {
    const path = scratch()
    const options = { driver, maxFiles: 4 }
    const sink = openLogSink(config(path, { ...options, maxSize: 400 }))
    using reader = read(path, options)
    let seen = ''
    let expected = ''
    for (let n = 0; n < 300; n++) {
      sink.write('stdout', Buffer.from(`line ${n}\n`), AT)
      expected += `line ${n}\n`
      // Sometimes two files are full before it looks again.
      if (n % 7 !== 0) continue
      reader.refresh()
      seen += show(reader).stdout
    }
    sink.close()
    reader.refresh()
    expect(seen + show(reader).stdout).toBe(expected)
  })

  it('survives any content', () => {
    const valid = {
      'k8s-file': '2026-11-03T12:34:56.123456789Z stdout F text\n',
      'json-file': '{"log":"text\\n","stream":"stdout","time":"2026-11-03T12:34:56.123456789Z"}\n',
    }[driver]
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(valid.length), fc.nat(3), (noise, cut, tail) => {
        const path = scratch()
        writeFileSync(
          path,
          Buffer.concat([Buffer.from(valid.slice(0, cut)), noise, Buffer.from(`\n${valid}`)]),
        )
        using reader = read(path, { driver })
        expect(show(reader).stdout.endsWith('text\n')).toBe(true)
        using last = read(path, { driver, tail })
        show(last)
      }),
      { numRuns: 300 },
    )
  })
})

describe('openLogReader()', () => {
  it('shows a record only when it is whole', () => {
    const path = scratch()
    writeFileSync(path, '2026-11-03T12:34:56.123456789Z stdout F on')
    using reader = read(path)
    expect(show(reader).stdout).toBe('')
    appendFileSync(path, 'e\n')
    expect(show(reader).stdout).toBe('one\n')
  })

  it('finds a log that is made later, and one that was emptied', () => {
    const path = scratch()
    using reader = read(path)
    expect(show(reader).stdout).toBe('')
    const sink = openLogSink(config(path))
    sink.write('stdout', Buffer.from('a long first line\n'), AT)
    reader.refresh()
    expect(show(reader).stdout).toBe('a long first line\n')
    truncateSync(path)
    sink.write('stdout', Buffer.from('new\n'), AT)
    sink.close()
    reader.refresh()
    expect(show(reader).stdout).toBe('new\n')
  })

  it('reads records with times of other forms, as other programs write them', () => {
    const path = scratch()
    writeFileSync(
      path,
      '2026-11-03T13:34:56.5+01:00 stdout F one\n2026-11-03T12:34:57Z stderr P two\n2026-11-03T12:34:58Z stdout F\n',
    )
    using reader = read(path)
    expect(show(reader, { timestamps: true })).toEqual({
      stdout: '2026-11-03T13:34:56.5+01:00 one\n2026-11-03T12:34:58Z \n',
      stderr: '2026-11-03T12:34:57Z two',
    })
    using later = read(path)
    expect(show(later, { since: 1_793_709_297_000_000_000n })).toEqual({ stdout: '\n', stderr: 'two' })
  })

  it('holds a record of megabytes, in the middle and at the end', () => {
    const path = scratch()
    const line = (text: string) => `2026-11-03T12:34:56.123456789Z stdout F ${text}\n`
    const long = 'y'.repeat(3_000_000)
    writeFileSync(path, line('a') + line(long) + line('b') + line(long))
    using reader = read(path)
    expect(show(reader).stdout).toBe(`a\n${long}\nb\n${long}\n`)
    using tail = read(path, { tail: 2 })
    expect(show(tail).stdout).toBe(`b\n${long}\n`)
  })
})

describe('createPlainPrinter()', () => {
  it('shows what is within the bounds, both included', () => {
    const path = scratch()
    const sink = openLogSink(config(path))
    for (let n = 0n; n < 6n; n++) sink.write('stdout', Buffer.from(`${n}`), AT + n)
    sink.close()
    using reader = read(path)
    expect(show(reader, { since: AT + 2n, until: AT + 4n }).stdout).toBe('234')
  })

  it('puts one time in front of a line that came in parts', () => {
    const path = scratch()
    const sink = openLogSink(config(path))
    sink.write('stdout', Buffer.from('a'), AT)
    sink.write('stderr', Buffer.from('x\n'), AT + 1n)
    sink.write('stdout', Buffer.from('b\nc\n'), AT + 2n)
    sink.close()
    using reader = read(path)
    const time = readFileSync(path, 'latin1').slice(0, 28)
    expect(show(reader, { timestamps: true })).toEqual({
      stdout: `${time}0Z ab\n${time}2Z c\n`,
      stderr: `${time}1Z x\n`,
    })
  })
})

describe('createMerger()', () => {
  function merged(logs: readonly (readonly (readonly [bigint, string])[])[]): string {
    using stack = new DisposableStack()
    const sources = logs.map((writes, index) => {
      const path = scratch()
      const sink = openLogSink(config(path))
      for (const [at, text] of writes) sink.write('stdout', Buffer.from(text), at)
      sink.close()
      return { reader: stack.use(read(path)), prefix: `${index}: `, suffix: '' }
    })
    let shown = ''
    const output = {
      write: (_: LogStream, bytes: Uint8Array) => {
        shown += Buffer.from(bytes).toString()
      },
    }
    const writer = createLogWriter(output)
    const merger = createMerger(sources, writer, { timestamps: false })
    merger.drain()
    merger.finish()
    writer.flush()
    return shown
  }

  it('shows lines in the order of time, joined from their parts', () => {
    expect(
      merged([
        [
          [AT, 'a'],
          [AT + 5n, 'b\n'],
          [AT + 6n, 'c\n'],
        ],
        [
          [AT + 1n, 'x\n'],
          [AT + 7n, 'open'],
        ],
      ]),
    ).toBe('0: ab\n1: x\n0: c\n1: open\n')
  })
})
