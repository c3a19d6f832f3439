import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCsvRecord } from '../../src/cli/parse/csv.ts'
import { parseDetachKeys } from '../../src/cli/parse/detachKeys.ts'
import { parseDevice } from '../../src/cli/parse/device.ts'
import { parseDuration } from '../../src/cli/parse/duration.ts'
import { parseEntrypoint } from '../../src/cli/parse/entrypoint.ts'
import { mergeEnv, parseEnv, parseEnvFile } from '../../src/cli/parse/environment.ts'
import { parseHealthCommand } from '../../src/cli/parse/healthCommand.ts'
import { parseAddHost } from '../../src/cli/parse/hostEntry.ts'
import { parseKeyValue, parseLabel, parseLabelFile, toRecord } from '../../src/cli/parse/keyValue.ts'
import { parseLogOption } from '../../src/cli/parse/logOption.ts'
import { parseMoment, parseMomentNs } from '../../src/cli/parse/moment.ts'
import { parseMount } from '../../src/cli/parse/mount.ts'
import { parseRestartPolicy } from '../../src/cli/parse/restartPolicy.ts'
import { parseSecretUse } from '../../src/cli/parse/secret.ts'
import { parseSignal } from '../../src/cli/parse/signal.ts'
import { parseSize } from '../../src/cli/parse/size.ts'
import { parseOwnLimits, parseUlimit } from '../../src/cli/parse/ulimit.ts'
import { parseUmask } from '../../src/cli/parse/umask.ts'
import { parseTmpfs, parseVolume } from '../../src/cli/parse/volume.ts'
import { anyText, attemptOption, FUZZ, textOf } from '../support/fuzz.ts'

const PIECES = [
  ...[
    'type=',
    'bind',
    'volume',
    'tmpfs',
    'image',
    'source=',
    'src=',
    'target=',
    'dst=',
    'destination=',
    'ro',
    'rw',
  ],
  ...[
    '/',
    '//',
    '/v',
    '..',
    '.',
    ':',
    ',',
    '=',
    '"',
    '""',
    ' ',
    'a',
    'name',
    'O',
    'U',
    'z',
    'size=',
    'mode=',
  ],
  ...[
    '1',
    '0',
    '-',
    '+',
    'm',
    'Gi',
    'k',
    's',
    'h',
    'ms',
    'e',
    '[',
    ']',
    'ctrl-',
    'SIG',
    'nofile=',
    'always',
    'on-failure',
  ],
  ...[
    'readonly=true',
    'propagation=rslave',
    'bind-propagation=',
    'volume-opt=o=x',
    'chown',
    'relabel=',
    'notmpcopyup',
  ],
]
const texts = fc.oneof(anyText(), textOf(PIECES))

const PARSERS: readonly (readonly [name: string, parse: (text: string) => unknown])[] = [
  ['parseCsvRecord', parseCsvRecord],
  ['parseDetachKeys', parseDetachKeys],
  ['parseDevice', parseDevice],
  ['parseDuration', parseDuration],
  ['parseEntrypoint', parseEntrypoint],
  ['parseEnv', (text) => parseEnv(text, { A: 'b' })],
  ['parseEnvFile', (text) => parseEnvFile(text, { A: 'b' })],
  ['parseHealthCommand', parseHealthCommand],
  ['parseAddHost', parseAddHost],
  ['parseKeyValue', parseKeyValue],
  ['parseLabel', parseLabel],
  ['parseLabelFile', parseLabelFile],
  ['parseLogOption', (text) => parseLogOption(text, '/')],
  ['parseMoment', (text) => parseMoment(text, 0)],
  ['parseMomentNs', (text) => parseMomentNs(text, 0)],
  ['parseMount', (text) => parseMount(text, '/')],
  ['parseRestartPolicy', parseRestartPolicy],
  ['parseSecretUse', parseSecretUse],
  ['parseSignal', parseSignal],
  ['parseSize', parseSize],
  ['parseOwnLimits', parseOwnLimits],
  ['parseUlimit', parseUlimit],
  ['parseUmask', parseUmask],
  ['parseTmpfs', parseTmpfs],
  ['parseVolume', (text) => parseVolume(text, '/')],
]

describe.each(PARSERS)('%s()', (_name, parse) => {
  it('takes or refuses any text', () => {
    fc.assert(
      fc.property(texts, (text) => void attemptOption(() => parse(text))),
      FUZZ,
    )
  })
})

describe('numbers', () => {
  it('are finite and whole where they are taken', () => {
    fc.assert(
      fc.property(
        fc.oneof(textOf(['1', '.', '5', '-', 'k', 'G', 'b', 'e', '9'.repeat(20)], 8), anyText(20)),
        (text) => {
          const [size, umask] = [attemptOption(() => parseSize(text)), attemptOption(() => parseUmask(text))]
          expect(size === undefined || (Number.isSafeInteger(size) && size >= -1)).toBe(true)
          expect(umask === undefined || (Number.isInteger(umask) && umask >= 0 && umask <= 0o7777)).toBe(true)
          const duration = attemptOption(() => parseDuration(text))
          expect(duration === undefined || Number.isFinite(duration)).toBe(true)
        },
      ),
      FUZZ,
    )
  })
})

describe('mounts', () => {
  it('have an absolute target without NUL where they are taken', () => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const mount of [
          attemptOption(() => parseMount(text, '/')),
          attemptOption(() => parseVolume(text, '/')),
          attemptOption(() => parseTmpfs(text)),
        ]) {
          if (!mount) continue
          expect(mount.target.startsWith('/')).toBe(true)
          expect(JSON.stringify(mount)).not.toContain('\\u0000')
          if (mount.type === 'bind') expect(mount.source.startsWith('/')).toBe(true)
          if (mount.type === 'volume' && mount.name !== undefined) expect(mount.name).not.toMatch(/[/\s]|^\./)
        }
      }),
      FUZZ,
    )
  })

  it('read as they were written', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,20}$/)
    fc.assert(
      fc.property(word, word, (name, place) => {
        expect(parseVolume(`${name}:/${place}`, '/')).toMatchObject({
          type: 'volume',
          name,
          target: `/${place}`,
        })
        expect(parseMount(`type=bind,source=/${name},target=/${place}`, '/')).toMatchObject({
          type: 'bind',
          source: `/${name}`,
          target: `/${place}`,
        })
      }),
      FUZZ,
    )
  })
})

describe('environments', () => {
  const name = fc.oneof(
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/),
    fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'),
  )

  it('take from the caller only what it has', () => {
    fc.assert(
      fc.property(name, (variable) => {
        expect(parseEnv(variable, {})).toEqual([])
        expect(parseEnvFile(variable, {})).toEqual([])
      }),
      FUZZ,
    )
  })

  it('keep values as they are', () => {
    const value = fc.string({ unit: 'grapheme' }).filter((text) => !/[\0\r\n]/.test(text))
    fc.assert(
      fc.property(name, value, (variable, text) => {
        expect(parseEnv(`${variable}=${text}`, {})).toEqual([`${variable}=${text}`])
        expect(parseEnvFile(`# comment\n${variable}=${text}\n`, {})).toEqual([`${variable}=${text}`])
        expect(mergeEnv([`${variable}=before`, `${variable}=${text}`])).toEqual([`${variable}=${text}`])
      }),
      FUZZ,
    )
  })

  it('and labels have no members that were not given', () => {
    fc.assert(
      fc.property(name, fc.string(), (key, value) => {
        const record = toRecord([parseLabel(`${key}=${value}`)])
        expect(Object.keys(record)).toEqual([key])
        expect(record[key]).toBe(value)
      }),
      FUZZ,
    )
  })
})

describe('parseCsvRecord()', () => {
  it('reads fields as they were quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 6 }), (fields) => {
        const line = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')
        expect(parseCsvRecord(line)).toEqual(fields)
      }),
      FUZZ,
    )
  })
})
