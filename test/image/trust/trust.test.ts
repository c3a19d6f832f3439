import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseTrustConf, ruleFor, type Transport } from '../../../src/engine/image/trustPolicy.ts'
import { parseReference } from '../../../src/image/reference.ts'
import { readSignatureManifest, signatureTag } from '../../../src/image/trust/artifact.ts'
import { verifyBundle } from '../../../src/image/trust/bundle.ts'
import { parseContainersPolicy } from '../../../src/image/trust/containersPolicy.ts'
import { readPublicKey } from '../../../src/image/trust/key.ts'
import { findRule, matchesIdentity } from '../../../src/image/trust/policy.ts'
import { readReferrers, subjectOfSignature } from '../../../src/image/trust/referrers.ts'
import { verifySignature } from '../../../src/image/trust/signature.ts'
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
    p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ed25519: generateKeyPairSync('ed25519'),
  }
  const pem = (kind: keyof typeof pairs) =>
    String(pairs[kind].publicKey.export({ type: 'spki', format: 'pem' }))
  const kinds = ['ec', 'p384', 'p521', 'rsa', 'ed25519'] as const

  it.each(kinds)('takes a signature by an %s key, and no other', (kind) => {
    const signature = sign(kind === 'ed25519' ? null : 'sha256', payload, pairs[kind].privateKey)
    const key = readPublicKey('key', pem(kind))
    expect(verifySignature(payload, signature, key)).toEqual({
      manifestDigests: [digest],
      reference: { domain: 'registry.example', path: 'team/app' },
    })
    expect(verifySignature(Buffer.concat([payload, Buffer.from(' ')]), signature, key)).toBeUndefined()
    expect(verifySignature(payload, signature.subarray(1), key)).toBeUndefined()
    expect(verifySignature(payload, Buffer.alloc(0), key)).toBeUndefined()
    for (const other of kinds.filter((one) => one !== kind)) {
      expect(verifySignature(payload, signature, readPublicKey('key', pem(other)))).toBeUndefined()
    }
  })

  it.each([
    ['p384', 'sha384'],
    ['p521', 'sha512'],
  ] as const)('takes the hash that fits the curve of %s too', (kind, hash) => {
    const key = readPublicKey('key', pem(kind))
    expect(verifySignature(payload, sign(hash, payload, pairs[kind].privateKey), key)).toBeDefined()
    expect(verifySignature(payload, sign('sha1', payload, pairs[kind].privateKey), key)).toBeUndefined()
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
      expect(verifySignature(bytes, signature, key)).toBeUndefined()
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
      { blob: { mediaType, digest, size: 3 }, signature: Buffer.alloc(3) },
    ])
    for (const text of ['', '[]', '{"layers":3}'])
      expect(readSignatureManifest(Buffer.from(text))).toEqual([])
    expect(signatureTag(digest)).toMatch(/^sha256-[0-9a-f]{64}\.sig$/)
  })
})

describe('verifyBundle()', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const TYPE = 'application/vnd.in-toto+json'
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest.slice(7) } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  }
  const bundleOf = (content: object, payloadType = TYPE, signer = privateKey) => {
    const body = Buffer.from(JSON.stringify(content))
    const signed = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `),
      body,
    ])
    const signatures = [{ sig: sign('sha256', signed, signer).toString('base64') }]
    return { payload: body.toString('base64'), payloadType, signatures }
  }
  const check = (dsseEnvelope: unknown) =>
    verifyBundle(Buffer.from(JSON.stringify({ dsseEnvelope })), publicKey)

  it('gives the digests of a statement that the key has signed', () => {
    expect(check(bundleOf(statement))).toEqual({ manifestDigests: [digest], reference: undefined })
    const two = [...statement.subject, { digest: { sha512: 'x' } }, { digest: { sha256: '0'.repeat(64) } }]
    expect(check(bundleOf({ ...statement, subject: two }))?.manifestDigests).toEqual([
      digest,
      `sha256:${'0'.repeat(64)}`,
    ])
  })

  it('takes what @sigstore/sign has written', () => {
    const signed = readFileSync(new URL('fixtures/bundle.json', import.meta.url))
    const key = readPublicKey(
      'fixture',
      readFileSync(new URL('fixtures/bundle.pub', import.meta.url), 'utf8'),
    )
    expect(verifyBundle(signed, key)?.manifestDigests).toEqual([`sha256:${'ab'.repeat(32)}`])
    expect(verifyBundle(signed, publicKey)).toBeUndefined()
  })

  it('believes nothing else', () => {
    const good = bundleOf(statement)
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const refused = [
      bundleOf(statement, TYPE, other),
      bundleOf(statement, 'text/plain'),
      bundleOf({ ...statement, predicateType: 'https://slsa.dev/provenance/v1' }),
      { ...good, payload: Buffer.from('{}').toString('base64') },
      { ...good, signatures: [...good.signatures, ...good.signatures] },
      { ...good, signatures: [] },
      { ...good, signatures: [null] },
      null,
    ]
    for (const envelope of refused) expect(check(envelope)).toBeUndefined()
    expect(verifyBundle(Buffer.from('{'), publicKey)).toBeUndefined()
  })
})

describe('readReferrers()', () => {
  const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json'
  const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 5 }
  const read = (document: unknown) => readReferrers(Buffer.from(JSON.stringify(document)))

  it('gives what may be a signature', () => {
    const annotations = { 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' }
    const manifests = [
      { ...entry, artifactType: bundle },
      { ...entry, artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json' },
      { ...entry, artifactType: bundle, annotations },
      { ...entry, artifactType: 'application/spdx+json' },
      { ...entry, artifactType: bundle, size: -1 },
      entry,
      null,
    ]
    expect(read({ manifests })).toEqual([entry, entry])
    for (const document of [{}, [], { manifests: 3 }]) expect(read(document)).toBeUndefined()
  })

  it('knows a signature in an archive by what it refers to', () => {
    const of = (document: unknown) => subjectOfSignature(Buffer.from(JSON.stringify(document)))
    expect(of({ artifactType: bundle, subject: entry })).toBe(digest)
    expect(of({ artifactType: 'application/spdx+json', subject: entry })).toBeUndefined()
    expect(of({ subject: entry })).toBeUndefined()
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
  it('takes a signature without a name, or without a tag, for no more than it says', () => {
    const untagged = { domain: 'a.test', path: 'x' }
    expect(matchesIdentity({ kind: 'any' }, undefined, ref('a.test/x'))).toBe(true)
    expect(matchesIdentity({ kind: 'repository' }, undefined, ref('a.test/x'))).toBe(false)
    expect(matchesIdentity({ kind: 'repository' }, untagged, ref('a.test/x'))).toBe(true)
    expect(matchesIdentity({ kind: 'exact' }, untagged, ref('a.test/x'))).toBe(false)
    expect(
      matchesIdentity({ kind: 'named-reference', reference: 'a.test/x:latest' }, untagged, ref('a.test/y')),
    ).toBe(false)
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
        oci: {
          '/srv/good': [{ type: 'insecureAcceptAnything' }],
          '/srv/good/bad': [{ type: 'signedBy' }],
          '/srv/named:app': [{ type: 'reject' }],
        },
      },
    })
    const rule = (name: string, transport?: Transport) =>
      ruleFor({ own: [], containers: policy }, parseReference(name), transport).requirements.map(
        ({ kind }) => kind,
      )
    expect(rule('a.test/x')).toEqual(['signed'])
    expect(rule('b.test/x')).toEqual(['unsupported'])
    expect(rule('c.test/x')).toEqual(['reject'])
    expect(rule('a.test/x', { name: 'docker-archive', path: undefined })).toEqual(['accept'])
    const oci = (path: string | undefined) => rule('a.test/x', { name: 'oci', path })
    expect(oci('/srv/good')).toEqual(['accept'])
    expect(oci('/srv/good/image')).toEqual(['accept'])
    expect(oci('/srv/good/bad/image')).toEqual(['unsupported'])
    expect(oci('/srv/goodness')).toEqual(['reject'])
    expect(oci('/srv/named')).toEqual(['unsupported'])
    expect(oci(undefined)).toEqual(['reject'])
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
