import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { parseChallenges } from '../../src/image/registry/challenge.ts'
import { credentialsIn, keysFor, readAuthFile } from '../../src/image/registry/credentials.ts'
import type { HttpClient } from '../../src/image/registry/http.ts'
import { parseRetryAfter } from '../../src/image/registry/retry.ts'
import { fetchToken, isSameSite } from '../../src/image/registry/token.ts'
import { anyText, attempt, attemptAsync, damaged, FUZZ, mutated, textOf } from '../support/fuzz.ts'

const directory = mkdtempSync(join(tmpdir(), 'bryo-fuzz-'))
afterAll(() => rmSync(directory, { recursive: true }))

const CHALLENGE = ['Bearer', 'Basic', ' ', ',', '=', '"', '\\"', 'realm', 'service', 'https://a/', 'scope']

describe('parseChallenges()', () => {
  it('reads any header', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), textOf(CHALLENGE)), (header) => {
        for (const { scheme, parameters } of parseChallenges(header)) {
          expect(scheme).toBe(scheme.toLowerCase())
          for (const value of Object.values(parameters)) expect(header).toContain(value.slice(0, 1))
        }
      }),
      FUZZ,
    )
  })

  it('reads what it was written from', () => {
    const token = fc.stringMatching(/^[a-z]{1,10}$/)
    const value = fc.string({ maxLength: 30 }).filter((text) => !/["\\]/.test(text))
    fc.assert(
      fc.property(token, fc.dictionary(token, value), (scheme, parameters) => {
        const words = Object.entries(parameters).map(([name, text]) => `${name}="${text}"`)
        const [found] = parseChallenges(`${scheme} ${words.join(', ')}`)
        expect(found).toEqual({ scheme, parameters: { ...parameters } })
      }),
      FUZZ,
    )
  })
})

describe('parseRetryAfter()', () => {
  it('gives a number of milliseconds that is none below 0, or nothing', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(40), textOf(['1', '-', '.', 'Mon', ' ', 'GMT', 'e9'])), (header) => {
        const wait = parseRetryAfter(header, 0)
        expect(wait === undefined || wait >= 0).toBe(true)
      }),
      FUZZ,
    )
  })
})

describe('isSameSite()', () => {
  it('is the same both ways, and never true for an address and something else', () => {
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6(),
      textOf(['a', '.', 'co', 'uk', 'com', ':', '[', ']']),
    )
    fc.assert(
      fc.property(host, host, (a, b) => {
        expect(isSameSite(a, b)).toBe(isSameSite(b, a))
        if (/^[\d.]+$/.test(a) && a !== b) expect(isSameSite(a, b)).toBe(false)
      }),
      FUZZ,
    )
  })
})

describe('credentialsIn()', () => {
  const file = join(directory, 'auth.json')
  const document = {
    auths: {
      'example.org': { auth: Buffer.from('ana:secret').toString('base64') },
      'https://index.docker.io/v1/': {},
    },
    credHelpers: { 'example.net': 'helper' },
  }
  const find = (data: string | Uint8Array) => {
    writeFileSync(file, data)
    return attempt(() => {
      const read = readAuthFile(file, true)
      return read && credentialsIn(read, 'example.org/app')
    })
  }

  it('reads or refuses a file with members changed', () => {
    fc.assert(
      fc.property(mutated(document), (value) => {
        const found = find(JSON.stringify(value) ?? '')
        if (found) expect([typeof found.username, typeof found.password]).toEqual(['string', 'string'])
      }),
      FUZZ,
    )
  })

  it('reads or refuses any bytes', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged(Buffer.from(JSON.stringify(document))))
    fc.assert(
      fc.property(bytes, (data) => void find(data)),
      FUZZ,
    )
  })

  it('has keys for any repository, the whole name first', () => {
    fc.assert(
      fc.property(anyText(60), (name) => {
        expect(keysFor(name)[0]).toBe(name)
      }),
      FUZZ,
    )
  })
})

describe('fetchToken()', () => {
  it('asks no address that is not of the web, and never sends a login to another site', async () => {
    const realm = fc.oneof(
      fc.webUrl(),
      textOf(
        [
          'https://',
          'http://',
          'file://',
          'registry.example.org',
          '@',
          ':',
          '/',
          'example.net',
          '\\',
          '#',
          '?',
          '%00',
        ],
        8,
      ),
    )
    const registry = new URL('https://registry.example.org/')
    const credentials = { username: 'ana', password: 'secret' }
    await fc.assert(
      fc.asyncProperty(realm, async (text) => {
        const http: HttpClient = {
          send: async (url, { headers }) => {
            expect(['https:', 'http:']).toContain(url.protocol)
            if (headers.authorization !== undefined) {
              expect(url.protocol).toBe('https:')
              expect(`.${url.hostname}`.endsWith('.example.org')).toBe(true)
            }
            return { status: 404, headers: {}, body: (async function* () {})(), discard: () => {} }
          },
          close: () => {},
        }
        const challenge = { scheme: 'bearer', parameters: { realm: text, service: 'x' } }
        await attemptAsync(() =>
          fetchToken(http, { challenge, registry, scopes: ['repository:a:pull'], credentials }),
        )
      }),
      FUZZ,
    )
  })
})
