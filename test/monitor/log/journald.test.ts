import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LogConfig } from '../../../src/base/logConfig.ts'
import { checkLogConfig } from '../../../src/monitor/log/check.ts'
import { logConfig, scratch } from './support.ts'

const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x64'
const BUN = fileURLToPath(new URL(`../../../node_modules/@oven/bun-linux-${ARCH}/bin/bun`, import.meta.url))
const WRITER = fileURLToPath(new URL('./fixture/write.ts', import.meta.url))

/** Binds the socket, says so, and prints each datagram in hex until an empty one comes. */
const JOURNAL = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    data = s.recv(1 << 18)
    if data == b"": break
    print(data.hex(), flush=True)
`

/** What a journal receives when a container writes these pieces to standard output and the last to standard error. */
async function received(
  changes: Partial<LogConfig>,
  writes: readonly (readonly [string, string])[],
): Promise<readonly Map<string, string>[]> {
  const path = join(scratch(), 'socket')
  const journal = spawn('python3', ['-c', JOURNAL, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output: Buffer[] = []
  journal.stdout.on('data', (data: Buffer) => output.push(data))
  onTestFinished(() => void journal.kill())
  await once(journal.stdout, 'data')
  // It may end before the writer is seen to.
  const closed = once(journal, 'close')
  const config = logConfig({ path, driver: 'journald', ...changes })
  const writer = spawn(BUN, ['--config=/dev/null', WRITER, JSON.stringify({ config, writes })], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(writer, 'exit')
  expect(code).toBe(0)
  await closed
  const lines = Buffer.concat(output).toString().split('\n').slice(1, -1)
  return lines.map((line) => fieldsOf(Buffer.from(line, 'hex')))
}

/** @see https://systemd.io/JOURNAL_NATIVE_PROTOCOL */
function fieldsOf(entry: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  for (let at = 0; at < entry.length; ) {
    const newline = entry.indexOf(10, at)
    const line = entry.toString('utf8', at, newline)
    const equals = line.indexOf('=')
    if (equals !== -1) {
      fields.set(line.slice(0, equals), line.slice(equals + 1))
      at = newline + 1
      continue
    }
    const length = Number(entry.readBigUInt64LE(newline + 1))
    fields.set(line, entry.toString('utf8', newline + 9, newline + 9 + length))
    expect(entry[newline + 9 + length]).toBe(10)
    at = newline + 10 + length
  }
  return fields
}

describe('openLogSink() with journald', () => {
  it('sends an entry for each line, with what names the container', async () => {
    const entries = await received({ tag: 'svc', attributes: { 'com.example/team': 'a\nb' } }, [
      ['stdout', 'one=1\nhalf'],
      ['stderr', 'oops\n'],
    ])
    expect(entries.map((fields) => fields.get('MESSAGE'))).toEqual(['one=1', 'half', 'oops'])
    expect(entries.map((fields) => fields.get('PRIORITY'))).toEqual(['6', '6', '3'])
    expect(entries.map((fields) => fields.get('CONTAINER_PARTIAL_MESSAGE'))).toEqual([
      undefined,
      'true',
      undefined,
    ])
    expect(Object.fromEntries(entries[0] ?? [])).toEqual({
      MESSAGE: 'one=1',
      PRIORITY: '6',
      CONTAINER_ID: 'abc123000000',
      CONTAINER_ID_FULL: 'abc123'.padEnd(64, '0'),
      CONTAINER_NAME: 'web',
      CONTAINER_TAG: 'svc',
      IMAGE_NAME: 'localhost/app:latest',
      SYSLOG_IDENTIFIER: 'svc',
      COM_EXAMPLE_TEAM: 'a\nb',
    })
  })

  it('splits a line that is too long for a datagram', async () => {
    const text = 'x'.repeat(100_000)
    const entries = await received({}, [['stdout', `${text}\n`]])
    expect(entries.length).toBeGreaterThan(3)
    expect(entries.map((fields) => fields.get('MESSAGE')).join('')).toBe(text)
    expect(entries.at(-1)?.has('CONTAINER_PARTIAL_MESSAGE')).toBe(false)
    expect(entries.at(0)?.get('CONTAINER_PARTIAL_MESSAGE')).toBe('true')
  })
})

describe('checkLogConfig()', () => {
  it('refuses journald on a host without its socket', () => {
    const path = join(scratch(), 'socket')
    expect(() => checkLogConfig(logConfig({ driver: 'journald', path }))).toThrow(
      `cannot log to journald: "${path}" is no socket, expected systemd-journald to run`,
    )
  })

  it('refuses a directory, and a file in none', () => {
    const directory = scratch()
    expect(() => checkLogConfig(logConfig({ path: directory }))).toThrow('it is a directory, expected a file')
    expect(() => checkLogConfig(logConfig({ path: join(directory, 'a', 'b') }))).toThrow(
      'there is no directory',
    )
    expect(() => checkLogConfig(logConfig({ path: join(directory, 'b') }))).not.toThrow()
  })
})
