import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseEntry, showJournal } from '../../src/engine/container/logsJournal.ts'

/** A directory for PATH with a journalctl that notes its arguments and prints these lines. */
function journalctl(lines: readonly string[], last = ''): string {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-journal-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'journalctl')
  const text = lines.map((line) => `${line}\n`).join('')
  writeFileSync(path, `#!/bin/sh\necho "$*" > ${directory}/args\ncat <<'END'\n${text}END\n${last}\n`)
  chmodSync(path, 0o755)
  return directory
}

const entry = (fields: object): string =>
  JSON.stringify({ __REALTIME_TIMESTAMP: '1793709296123456', PRIORITY: '6', ...fields })

async function shown(directory: string, changes: { readonly follow?: boolean; readonly tail?: number } = {}) {
  const output = { stdout: '', stderr: '' }
  const request = {
    ...{ id: 'abc', follow: false, tail: undefined, timestamps: false, isOver: () => true },
    ...changes,
    env: { PATH: `${directory}:/usr/bin:/bin` },
  }
  await showJournal(request, {
    write: (stream, bytes) => {
      output[stream] += Buffer.from(bytes).toString()
    },
  })
  return output
}

describe('showJournal()', () => {
  it('shows the entries of the container, lines joined, streams apart', async () => {
    const directory = journalctl([
      entry({ MESSAGE: 'one' }),
      entry({ MESSAGE: 'ha', CONTAINER_PARTIAL_MESSAGE: 'true' }),
      entry({ MESSAGE: 'lf' }),
      entry({ MESSAGE: 'oops', PRIORITY: '3' }),
    ])
    expect(await shown(directory, { tail: 4 })).toEqual({ stdout: 'one\nhalf\n', stderr: 'oops\n' })
    expect(readFileSync(join(directory, 'args'), 'utf8')).toBe(
      '--quiet --no-pager --output=json --all --lines=4 CONTAINER_ID_FULL=abc\n',
    )
  })

  it('ends following when the container has ended', async () => {
    const directory = journalctl([entry({ MESSAGE: 'one' })], 'exec sleep 1000')
    expect(await shown(directory, { follow: true })).toEqual({ stdout: 'one\n', stderr: '' })
  })

  it('says what journalctl complains about', async () => {
    await expect(shown(journalctl([], 'echo broken >&2; exit 3'))).rejects.toThrow(
      'cannot read the journal: journalctl ended with 3: broken',
    )
  })

  it('says that there is no journalctl', async () => {
    const output = { write: () => {} }
    const request = { id: 'a', follow: false, tail: undefined, timestamps: false, isOver: () => true }
    await expect(showJournal({ ...request, env: { PATH: '/nowhere' } }, output)).rejects.toThrow(
      'there is no journalctl',
    )
  })
})

describe('parseEntry()', () => {
  it('takes bytes that are no text', () => {
    const record = parseEntry(entry({ MESSAGE: [255, 97] }))
    expect(record?.bytes).toEqual(Buffer.of(255, 97, 10))
  })

  it.each(['', '{', '[]', 'null', '{"MESSAGE":"a"}', '{"MESSAGE":null,"__REALTIME_TIMESTAMP":"1"}'])(
    'leaves out %s',
    (line) => {
      expect(parseEntry(line)).toBeUndefined()
    },
  )
})
