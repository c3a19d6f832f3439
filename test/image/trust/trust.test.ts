import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseTrustConf, ruleFor } from '../../../src/engine/image/trustPolicy.ts'
import { parseReference } from '../../../src/image/reference.ts'
import { parseContainersPolicy } from '../../../src/image/trust/containersPolicy.ts'
import { findRule, matchesIdentity } from '../../../src/image/trust/policy.ts'
import {
  readPublicKey,
  readSignatureManifest,
  signatureTag,
  verifySignature,
} from '../../../src/image/trust/signature.ts'
import { digestOf } from '../../../src/image/verify.ts'

const digest = digestOf(Buffer.from('manifest'))
const payloadOf = (critical: object) => Buffer.from(JSON.stringify({ critical, optional: null }))
const payload = payloadOf({
  identity: { 'docker-reference': 'registry.example/team/app' },
  image: { 'docker-manifest-digest': digest },
  type: 'cosign container image signature',
})

describe('verifySignature()', () => {
  const pairs = {
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ed25519: generateKeyPairSync('ed25519'),
  }
  const pem = (kind: keyof typeof pairs) =>
    String(pairs[kind].publicKey.export({ type: 'spki', format: 'pem' }))
  const kinds = ['ec', 'rsa', 'ed25519'] as const

  it.each(kinds)('takes a signature by an %s key, and no other', (kind) => {
    const signature = sign(kind === 'ed25519' ? null : 'sha256', payload, pairs[kind].privateKey)
    const key = readPublicKey('key', pem(kind))
    expect(verifySignature({ payload, signature }, key)).toEqual({
      manifestDigest: digest,
      reference: parseReference('registry.example/team/app'),
    })
    expect(
      verifySignature({ payload: Buffer.concat([payload, Buffer.from(' ')]), signature }, key),
    ).toBeUndefined()
    expect(verifySignature({ payload, signature: signature.subarray(1) }, key)).toBeUndefined()
    expect(verifySignature({ payload, signature: Buffer.alloc(0) }, key)).toBeUndefined()
    for (const other of kinds.filter((one) => one !== kind)) {
      expect(verifySignature({ payload, signature }, readPublicKey('key', pem(other)))).toBeUndefined()
    }
  })

  it('believes no payload of another form', () => {
    const key = readPublicKey('key', pem('ec'))
    const claims = [
      payloadOf({}),
      payloadOf({ identity: {}, image: { 'docker-manifest-digest': digest }, type: 'x' }),
      Buffer.from('no json'),
      Buffer.from([0xff]),
    ]
    for (const bytes of claims) {
      const signature = sign('sha256', bytes, pairs.ec.privateKey)
      expect(verifySignature({ payload: bytes, signature }, key)).toBeUndefined()
    }
    expect(() => readPublicKey('k', 'nothing')).toThrow('no public key in PEM')
  })
})

describe('readSignatureManifest()', () => {
  it('passes over what is no signature', () => {
    const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json'
    const annotations = { 'dev.cosignproject.cosign/signature': 'AAAA' }
    const good = { mediaType, digest, size: 3, annotations }
    const layers = [
      good,
      { ...good, size: -1 },
      { ...good, mediaType: 'x' },
      { ...good, annotations: {} },
      null,
      3,
    ]
    expect(readSignatureManifest(Buffer.from(JSON.stringify({ layers })))).toEqual([
      { payload: { mediaType, digest, size: 3 }, signature: Buffer.alloc(3) },
    ])
    for (const text of ['', '[]', '{"layers":3}'])
      expect(readSignatureManifest(Buffer.from(text))).toEqual([])
    expect(signatureTag(digest)).toMatch(/^sha256-[0-9a-f]{64}\.sig$/)
  })
})

describe('findRule()', () => {
  const scopes = (...names: readonly string[]) => ({
    source: 's',
    scopes: new Map(names.map((name) => [name, [{ kind: 'unsupported', type: name }]] as const)),
  })
  it.each([
    ['a.example.com/ns/app:1', ['a.example.com/ns/app:1', 'a.example.com/ns/app'], 'a.example.com/ns/app:1'],
    ['a.example.com/ns/app:2', ['a.example.com/ns/app:1', 'a.example.com/ns/app'], 'a.example.com/ns/app'],
    ['a.example.com/ns/app', ['a.example.com/n', 'a.example.com/ns', 'a.example.com'], 'a.example.com/ns'],
    ['a.example.com/other', ['*.com', '*.example.com', ''], '*.example.com'],
    ['b.test:5000/x', ['b.test', 'b.test:5000'], 'b.test:5000'],
    ['alpine', ['docker.io', ''], 'docker.io'],
    ['b.test/x', ['docker.io', ''], ''],
  ])('for %s takes the narrowest of %j', (name, names, expected) => {
    expect(findRule(scopes(...names), parseReference(name))?.requirements).toEqual([
      { kind: 'unsupported', type: expected },
    ])
  })
})

describe('matchesIdentity()', () => {
  const ref = parseReference
  const pinned = ref(`a.test/x@${digest}`)
  it.each([
    [{ kind: 'repository' } as const, 'a.test/x', 'a.test/x:2', true],
    [{ kind: 'repository' } as const, 'a.test/y', 'a.test/x:2', false],
    [{ kind: 'exact' } as const, 'a.test/x:2', 'a.test/x:2', true],
    [{ kind: 'exact' } as const, 'a.test/x:1', 'a.test/x:2', false],
    [{ kind: 'repository-digest-or-exact' } as const, 'a.test/x:1', 'a.test/x:2', false],
    [{ kind: 'named-repository', repository: 'b.test/z' } as const, 'b.test/z:1', 'a.test/x', true],
    [
      { kind: 'remap', prefix: 'a.test', signedPrefix: 'b.test/m' } as const,
      'b.test/m/x:1',
      'a.test/x:1',
      true,
    ],
    [
      { kind: 'remap', prefix: 'a.test', signedPrefix: 'b.test/m' } as const,
      'a.test/x:1',
      'a.test/x:1',
      false,
    ],
  ])('%j of %s for %s: %s', (identity, signed, asked, expected) => {
    expect(matchesIdentity(identity, ref(signed), ref(asked))).toBe(expected)
  })
  it('lets a digest stand for the tag', () => {
    expect(matchesIdentity({ kind: 'repository-digest-or-exact' }, ref('a.test/x:9'), pinned)).toBe(true)
    expect(matchesIdentity({ kind: 'exact' }, ref('a.test/x:9'), pinned)).toBe(false)
  })
})

describe('policies', () => {
  it('parseContainersPolicy() never passes over what it does not understand', () => {
    const parse = (document: unknown) => parseContainersPolicy('p', JSON.stringify(document))
    const policy = parse({
      default: [{ type: 'reject' }],
      transports: {
        docker: { 'a.test': [{ type: 'sigstoreSigned', keyPath: '/k' }], 'b.test': [{ type: 'signedBy' }] },
        'docker-archive': { '': [{ type: 'insecureAcceptAnything' }] },
      },
    })
    const rule = (name: string, transport?: string) =>
      ruleFor({ own: [], containers: policy }, parseReference(name), transport).requirements.map(
        ({ kind }) => kind,
      )
    expect(rule('a.test/x')).toEqual(['signed'])
    expect(rule('b.test/x')).toEqual(['unsupported'])
    expect(rule('c.test/x')).toEqual(['reject'])
    expect(rule('a.test/x', 'docker-archive')).toEqual(['accept'])
    expect(rule('a.test/x', 'oci')).toEqual(['reject'])
    for (const document of [
      {},
      { default: [] },
      { default: [{ type: 'new' }] },
      { default: [{ type: 'sigstoreSigned' }] },
      { default: [{ type: 'sigstoreSigned', keyPath: '/k', signedIdentity: { type: 'new' } }] },
    ]) {
      expect(() => parse(document)).toThrow('cannot use the trust policy')
    }
    const fulcio = parse({ default: [{ type: 'sigstoreSigned', fulcio: {} }] })
    expect(fulcio.fallback).toMatchObject([{ kind: 'unsupported' }])
  })

  it('parseTrustConf() reads sections by scope', () => {
    const text =
      '[trust]\npolicy = reject\n[trust docker.io/library/]\npolicy = accept\n[trust a.test]\npolicy = signed-by /k1, k2\n[registry a]\nx=y\n'
    expect([...parseTrustConf('/etc/bryo/bryo.conf', text).scopes]).toEqual([
      ['', [{ kind: 'reject' }]],
      ['docker.io/library', [{ kind: 'accept' }]],
      [
        'a.test',
        [
          {
            kind: 'signed',
            keys: [
              { kind: 'file', path: '/k1' },
              { kind: 'file', path: '/etc/bryo/k2' },
            ],
            identity: { kind: 'repository' },
          },
        ],
      ],
    ])
    expect(() => parseTrustConf('c', '[trust]\npolicy = maybe')).toThrow('"maybe" is no policy')
    expect(() => parseTrustConf('c', '[trust]\nkey = x')).toThrow('expected policy =')
  })
})
