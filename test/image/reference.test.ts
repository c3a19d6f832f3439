import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import {
  familiarName,
  formatReference,
  isReference,
  localCandidates,
  localReference,
  newLocalName,
  parseReference,
} from '../../src/image/reference.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

describe('parseReference()', () => {
  it.each([
    ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
    ['grafana/grafana', 'docker.io/grafana/grafana:latest', 'grafana/grafana:latest'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['docker.io/library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['index.docker.io/library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest', 'localhost:5000/app:latest'],
    ['localhost:5000/a/b:v1', 'localhost:5000/a/b:v1', 'localhost:5000/a/b:v1'],
    ['127.0.0.1:5000/app', '127.0.0.1:5000/app:latest', '127.0.0.1:5000/app:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    ['registry.example.org/app', 'registry.example.org/app:latest', 'registry.example.org/app:latest'],
    ['HOST/app', 'HOST/app:latest', 'HOST/app:latest'],
    ['app_x__y-z---w.v', 'docker.io/library/app_x__y-z---w.v:latest', 'app_x__y-z---w.v:latest'],
    ['host', 'docker.io/library/host:latest', 'host:latest'],
    ['localhost', 'docker.io/library/localhost:latest', 'localhost:latest'],
    ['a:B_c.d-E', 'docker.io/library/a:B_c.d-E', 'a:B_c.d-E'],
    [`alpine@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`, `alpine@${DIGEST}`],
    [`alpine:3@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`, `alpine@${DIGEST}`],
  ])('reads %s', (text, full, familiar) => {
    const reference = parseReference(text)
    expect(formatReference(reference)).toBe(full)
    expect(familiarName(reference)).toBe(familiar)
  })

  it('keeps a tag beside a digest', () => {
    expect(parseReference(`alpine:3@${DIGEST}`)).toEqual({
      domain: 'docker.io',
      path: 'library/alpine',
      tag: '3',
      digest: DIGEST,
    })
  })

  it.each([
    '',
    ' ',
    'Alpine',
    'a/B',
    '/a',
    'a/',
    'a//b',
    'a..b',
    '../a',
    'a/../b',
    '.a',
    '-a',
    'a_',
    'a___b',
    'a:',
    ':a',
    'a:.b',
    'a:-b',
    `a:${'t'.repeat(129)}`,
    'a:b:c',
    'a@b',
    'a@sha256:abc',
    `a@sha512:${'0'.repeat(128)}`,
    `a@${DIGEST}@${DIGEST}`,
    `a@${DIGEST.toUpperCase()}`,
    'host:port/a',
    'host:999999/a',
    '-host.org/a',
    'host..org/a',
    '[zz]:1/a',
    'docker://alpine',
    'https://example.org/a',
    'a b',
    'a\n',
    'a\0',
    'ä',
    'f'.repeat(64),
    `example.org/${'a'.repeat(250)}`,
    'a'.repeat(5000),
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(BryoError)
    expect(isReference(text)).toBe(false)
  })

  it('gives any text a reference or INVALID_REFERENCE, with a short message', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 3000 })), (text) => {
        try {
          parseReference(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_REFERENCE' })
          expect(error instanceof Error && error.message.length).toBeLessThan(2000)
        }
      }),
    )
  })

  it('reads what it formats, in both forms', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?$/)
    const domain = fc.constantFrom('docker.io', 'localhost', 'localhost:5000', 'example.org', '10.0.0.1:443')
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)
    fc.assert(
      fc.property(
        domain,
        fc.array(component, { minLength: 2, maxLength: 4 }),
        tag,
        fc.boolean(),
        (d, path, t, byDigest) => {
          const name = `${d}/${path.join('/')}`
          const reference = parseReference(byDigest ? `${name}@${DIGEST}` : `${name}:${t}`)
          expect(parseReference(formatReference(reference))).toEqual(reference)
          expect(parseReference(familiarName(reference))).toEqual(reference)
        },
      ),
    )
  })

  it('takes a hostile text in linear time', () => {
    expect(isReference(`${'a-'.repeat(500)}!`)).toBe(false)
    expect(isReference(`${'a.'.repeat(500)}/b`)).toBe(false)
  })
})

describe('localCandidates()', () => {
  it('looks for a short name below localhost first', () => {
    expect(localCandidates('app:1').map(formatReference)).toEqual([
      'localhost/app:1',
      'docker.io/library/app:1',
    ])
    expect(localCandidates('me/app').map(formatReference)).toEqual([
      'localhost/me/app:latest',
      'docker.io/me/app:latest',
    ])
  })

  it('takes a name with a registry as it is', () => {
    expect(localCandidates('docker.io/app').map(formatReference)).toEqual(['docker.io/library/app:latest'])
  })
})

describe('localReference()', () => {
  it('puts a short name below localhost and keeps a full one', () => {
    expect(formatReference(localReference('app'))).toBe('localhost/app:latest')
    expect(formatReference(localReference('example.org/app:2'))).toBe('example.org/app:2')
  })
})

describe('newLocalName()', () => {
  it('is full, and has no digest', () => {
    expect(newLocalName('app', 'tag')).toBe('localhost/app:latest')
    expect(() => newLocalName(`app@${DIGEST}`, 'tag')).toThrow(
      `cannot tag as "app@${DIGEST}": it has a digest, expected a tag`,
    )
  })
})
