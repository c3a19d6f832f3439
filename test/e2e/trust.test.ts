import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../image/support/registry.ts'
import {
  type Answer,
  answer,
  blobPath,
  honestImage,
  manifestPath,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../security/support/registry.ts'
import { startRegistry } from './support/registry.ts'
import { give, openWorld } from './support/world.ts'

const world = await openWorld({ image: false })
const { bryo } = world
const registry = await startRegistry(world)
afterAll(async () => registry?.close())
const host = registry?.host ?? ''
const config = world.makeDirectory('config')
const env = { XDG_CONFIG_HOME: config }

const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const strangers = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }))

/** What cosign pushes beside an image. */
function signatureOf(name: string, digest: string, key: KeyObject) {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': name },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  )
  const settings = Buffer.from(
    '{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}',
  )
  const describeBlob = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: describeBlob('application/vnd.oci.image.config.v1+json', settings),
      layers: [
        {
          ...describeBlob('application/vnd.dev.cosign.simplesigning.v1+json', payload),
          annotations: {
            'dev.cosignproject.cosign/signature': sign('sha256', payload, key).toString('base64'),
          },
        },
      ],
    }),
  )
  return { manifest, blobs: [payload, settings] }
}

async function pushSignature(
  repository: string,
  digest: string,
  key: KeyObject,
  name = `${host}/${repository}`,
) {
  const tag = `${digest.replace(':', '-')}.sig`
  await pushArtifact(repository, tag, signatureOf(name, digest, key))
}

async function pushArtifact(
  repository: string,
  tagOrDigest: string,
  { manifest, blobs }: { readonly manifest: Buffer; readonly blobs: readonly Buffer[] },
  type = OCI_MANIFEST,
) {
  const base = `http://${host}/v2/${repository}`
  for (const body of blobs) {
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
    const location = new URL(started.headers.get('location') ?? '', base)
    location.searchParams.set('digest', sha256(body))
    expect((await fetch(location, { method: 'PUT', body })).status).toBe(201)
  }
  const headers = { 'content-type': type }
  const put = await fetch(`${base}/manifests/${tagOrDigest}`, { method: 'PUT', headers, body: manifest })
  expect(put.status).toBe(201)
}

const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value))

/** What cosign has attached to an image since its version 3: a bundle, and a manifest that refers to the image. */
function bundleOf(digest: string, key: KeyObject) {
  const type = 'application/vnd.in-toto+json'
  const payload = bytesOf({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest.replace('sha256:', '') } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  })
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
  const bundle = bytesOf({
    mediaType: BUNDLE,
    verificationMaterial: { publicKey: { hint: 'any' } },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: type,
      signatures: [{ sig: sign('sha256', signed, key).toString('base64') }],
    },
  })
  const empty = Buffer.from('{}')
  const manifest = bytesOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256(empty), size: 2 },
    layers: [{ mediaType: BUNDLE, digest: sha256(bundle), size: bundle.length }],
    subject: { mediaType: OCI_MANIFEST, digest, size: 1 },
  })
  const entry = {
    mediaType: OCI_MANIFEST,
    digest: sha256(manifest),
    size: manifest.length,
    artifactType: BUNDLE,
    annotations: { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' },
  }
  const index = bytesOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] })
  return { manifest, blobs: [bundle, empty], entry, index }
}

const conf = (text: string) => writeFileSync(`${config}/bryo/bryo.conf`, text)
const pull = (name: string, ...flags: readonly string[]) =>
  bryo(['pull', '-q', '--tls-verify=false', ...flags, name], { env })

describe.runIf(registry)('trust in images of a registry (skipped without docker-registry)', () => {
  let digest = ''
  beforeAll(async () => {
    mkdirSync(`${config}/bryo`)
    writeFileSync(`${config}/bryo/key.pem`, pem(publicKey))
    writeFileSync(`${config}/bryo/other.pem`, pem(strangers.publicKey))
    give(config)
    digest = (await registry?.push('team/app', 'v1', world.archive)) ?? ''
    await registry?.push('free/app', 'v1', world.archive)
    await registry?.push('fresh/app', 'v1', world.archive)
  })

  it('needs a signature by the key of the policy, for this name', async () => {
    conf(`[trust ${host}/team]\npolicy = signed-by key.pem\n[trust ${host}/shut]\npolicy = reject\n`)
    const before = world.listing()
    expect(await pull(`${host}/team/app:v1`)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('there is no signature'),
    })
    await pushSignature('team/app', digest, strangers.privateKey)
    expect((await pull(`${host}/team/app:v1`)).stderr).toContain('none of the 1 signatures is by its keys')
    await pushSignature('team/app', digest, privateKey, `${host}/team/other`)
    expect((await pull(`${host}/team/app:v1`)).stderr).toContain('and for this name')
    await pushSignature('team/app', `sha256:${'0'.repeat(64)}`, privateKey)
    expect((await pull(`${host}/team/app:v1`)).code).toBe(125)
    expect(world.listing().filter((path) => !path.includes('events.log'))).toEqual(before)
    await pushSignature('team/app', digest, privateKey)
    expect(await pull(`${host}/team/app:v1`)).toMatchObject({ code: 0 })
    expect(await pull(`${host}/team/app@${digest}`)).toMatchObject({ code: 0 })
    expect(await pull(`${host}/free/app:v1`)).toMatchObject({ code: 0 })
    expect((await pull(`${host}/shut/app:v1`)).stderr).toContain('it rejects it')
    const run = ['run', '--rm', '--pull', 'always', '--tls-verify=false', '--network', 'none']
    expect(await bryo([...run, `${host}/team/app:v1`], { env })).toMatchObject({
      code: 0,
      stdout: 'hello from the image\n',
    })
    conf(`[trust ${host}/team]\npolicy = signed-by other.pem\n`)
    expect((await bryo([...run, `${host}/team/app:v1`], { env })).code).toBe(125)
    conf(`[trust ${host}/team]\npolicy = signed-by missing.pem\n`)
    expect((await pull(`${host}/team/app:v1`)).stderr).toContain('missing.pem": it cannot be read')
    conf('')
  })

  it('is asked for by image copy too, wherever the image goes', async () => {
    conf(`[trust ${host}/fresh]\npolicy = signed-by key.pem\n[trust ${host}/shut]\npolicy = reject\n`)
    const copy = (from: string, to: string, ...flags: readonly string[]) =>
      bryo(['image', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false', ...flags, from, to], {
        env,
      })
    const fresh = `docker://${host}/fresh/app:v1`
    for (const [to, ...flags] of [
      ['containers-storage:copied'],
      [`oci:${world.work}/copied`],
      [`docker://${host}/copied/app:v1`],
      [`docker://${host}/copied/app:v1`, '--all'],
    ] as const) {
      const ended = await copy(fresh, to, ...flags)
      expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('there is no signature') })
    }
    expect((await copy(`docker://${host}/shut/app:v1`, 'copied')).stderr).toContain('it rejects it')
    await pushSignature('fresh/app', digest, privateKey)
    for (const to of ['containers-storage:copied', `oci:${world.work}/copied`]) {
      expect(await copy(fresh, to)).toMatchObject({ code: 0, stdout: `${digest}\n` })
    }
    conf('[trust]\npolicy = reject\n')
    expect((await copy(`oci:${world.work}/copied`, 'again')).stderr).toContain('it rejects it')
    conf('')
  })

  it('finds the one that counts among several of an artifact, whatever else they say', async () => {
    conf(`[trust ${host}/several]\npolicy = signed-by edwards.pem\n`)
    const edwards = generateKeyPairSync('ed25519')
    writeFileSync(`${config}/bryo/edwards.pem`, pem(edwards.publicKey))
    const of = (await registry?.push('several/app', 'v1', world.archive)) ?? ''
    const foreign = signatureOf(`${host}/several/app`, of, strangers.privateKey)
    const critical = {
      identity: { 'docker-reference': `${host}/several/app:v1` },
      image: { 'docker-manifest-digest': of },
      type: 'cosign container image signature',
    }
    const payload = bytesOf({ critical, optional: { by: 'build', number: 7 } })
    const document = JSON.parse(foreign.manifest.toString())
    document.layers.push({
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: sha256(payload),
      size: payload.length,
      annotations: {
        'dev.cosignproject.cosign/signature': sign(null, payload, edwards.privateKey).toString('base64'),
        'dev.sigstore.cosign/bundle': '{"SignedEntryTimestamp":"x"}',
      },
    })
    await pushArtifact('several/app', `${of.replace(':', '-')}.sig`, {
      manifest: bytesOf(document),
      blobs: [...foreign.blobs, payload],
    })
    expect(await pull(`${host}/several/app:v1`)).toMatchObject({ code: 0 })
    conf('')
  })

  it('takes a bundle, which names no image, where the policy is content with the digest', async () => {
    const of = (await registry?.push('bundled/app', 'v1', world.archive)) ?? ''
    const signed = bundleOf(of, privateKey)
    conf(`[trust ${host}/bundled]\npolicy = signed-digest-by key.pem\n`)
    expect((await pull(`${host}/bundled/app:v1`)).stderr).toContain('there is no signature')
    await pushArtifact('bundled/app', sha256(signed.manifest), signed)
    const list = { manifest: signed.index, blobs: [] }
    await pushArtifact('bundled/app', of.replace(':', '-'), list, OCI_INDEX)
    conf(`[trust ${host}/bundled]\npolicy = signed-digest-by other.pem\n`)
    expect((await pull(`${host}/bundled/app:v1`)).stderr).toContain('none of the 1 signatures')
    conf(`[trust ${host}/bundled]\npolicy = signed-by key.pem\n`)
    const unnamed = await pull(`${host}/bundled/app:v1`)
    expect(unnamed).toMatchObject({ code: 125, stderr: expect.stringContaining('names no image') })
    expect(unnamed.stderr).toContain('signed-digest-by KEY')
    conf(`[trust ${host}/bundled]\npolicy = signed-digest-by key.pem\n`)
    expect(await pull(`${host}/bundled/app:v1`)).toMatchObject({ code: 0 })
    conf('')
  })

  it("honours containers' policy.json, of the user and of --signature-policy", async () => {
    const requirement = (path: string) => ({
      type: 'sigstoreSigned',
      keyPath: path,
      signedIdentity: { type: 'matchRepository' },
    })
    const policy = (path: string, document: object) => writeFileSync(path, JSON.stringify(document))
    mkdirSync(`${config}/containers`)
    const transports = { docker: { [host]: [requirement(`${config}/bryo/key.pem`)] } }
    policy(`${config}/containers/policy.json`, { default: [{ type: 'reject' }], transports })
    expect(await pull(`${host}/team/app:v1`)).toMatchObject({ code: 0 })
    expect((await pull(`${host}/free/app:v1`)).stderr).toContain('there is no signature')
    const keyData = Buffer.from(pem(publicKey)).toString('base64')
    const byDefault = { docker: { [host]: [{ type: 'sigstoreSigned', keyData }] } }
    policy(`${config}/containers/policy.json`, { default: [{ type: 'reject' }], transports: byDefault })
    // The signature names no tag: it stands for the digest alone then.
    expect((await pull(`${host}/team/app:v1`)).stderr).toContain('and for this name')
    expect(await pull(`${host}/team/app@${digest}`)).toMatchObject({ code: 0 })
    policy(`${config}/containers/policy.json`, { default: [{ type: 'reject' }], transports })
    expect((await pull('other.invalid/x')).stderr).toContain('it rejects it')
    policy(`${world.work}/mine.json`, { default: [{ type: 'insecureAcceptAnything' }] })
    expect(await pull(`${host}/free/app:v1`, '--signature-policy', `${world.work}/mine.json`)).toMatchObject({
      code: 0,
    })
    policy(`${config}/containers/policy.json`, { default: [{ type: 'signedBy', keyPath: '/k' }] })
    expect((await pull(`${host}/free/app:v1`)).stderr).toContain('GPG')
    policy(`${config}/containers/policy.json`, { default: [{ type: 'unheard-of' }] })
    expect((await pull(`${host}/free/app:v1`)).stderr).toContain('unheard-of')
    policy(`${config}/containers/policy.json`, { default: [{ type: 'insecureAcceptAnything' }] })
  })
})

describe('trust in images of a registry that lists what refers to an image', () => {
  it('asks for that list', async () => {
    const { answers, manifest } = honestImage(world)
    const of = sha256(bytesOf(manifest))
    const signed = bundleOf(of, privateKey)
    const more = new Map<string, Answer>([
      [`/v2/app/referrers/${of}`, { type: OCI_INDEX, data: signed.index }],
      [manifestPath(sha256(signed.manifest)), { type: OCI_MANIFEST, data: signed.manifest }],
      ...signed.blobs.map((data) => [blobPath(data), { data }] as const),
    ])
    const server = await startServer((request, response) =>
      answer(response, more.get(request.url ?? '') ?? answers.get(request.url ?? '')),
    )
    try {
      mkdirSync(`${config}/bryo`, { recursive: true })
      writeFileSync(`${config}/bryo/key.pem`, pem(publicKey))
      give(config)
      conf(`[trust ${server.host}]\npolicy = signed-digest-by key.pem\n`)
      expect(await pull(`${server.host}/app:latest`)).toMatchObject({ code: 0 })
      more.delete(`/v2/app/referrers/${of}`)
      await bryo(['rmi', '--force', `${server.host}/app:latest`])
      expect((await pull(`${server.host}/app:latest`)).stderr).toContain('there is no signature')
    } finally {
      conf('')
      await server.stop()
    }
  })
})

describe('trust in images of an archive', () => {
  it('finds the signature in the archive', async () => {
    mkdirSync(`${config}/bryo`, { recursive: true })
    writeFileSync(`${config}/bryo/key.pem`, pem(publicKey))
    give(config)
    conf('')
    const name = 'registry.example/signed/app:1'
    expect(await bryo(['import', world.archive, name], { env })).toMatchObject({ code: 0 })
    const directory = `${world.work}/layout`
    await bryo(['save', '--format', 'oci-dir', '-o', directory, name], { env })
    await bryo(['rmi', name], { env })
    conf('[trust registry.example]\npolicy = signed-by key.pem\n')
    expect((await bryo(['load', '-i', directory], { env })).stderr).toContain('there is no signature')
    const index = JSON.parse(readFileSync(`${directory}/index.json`, 'utf8'))
    const { digest } = index.manifests[0]
    const { manifest, blobs } = signatureOf('registry.example/signed/app', digest, privateKey)
    for (const bytes of [manifest, ...blobs]) {
      writeFileSync(`${directory}/blobs/${sha256(bytes).replace(':', '/')}`, bytes)
    }
    index.manifests.push({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: sha256(manifest),
      size: manifest.length,
      annotations: { 'org.opencontainers.image.ref.name': `${digest.replace(':', '-')}.sig` },
    })
    writeFileSync(`${directory}/index.json`, JSON.stringify(index))
    give(directory)
    expect(await bryo(['load', '-i', directory], { env })).toMatchObject({
      code: 0,
      stdout: `Loaded image: ${name}\n`,
    })
    // As cosign itself saves it.
    index.manifests[1].annotations = { kind: 'dev.cosignproject.cosign/sigs' }
    writeFileSync(`${directory}/index.json`, JSON.stringify(index))
    expect(await bryo(['load', '-i', directory], { env })).toMatchObject({
      code: 0,
      stdout: `Loaded image: ${name}\n`,
    })
    conf('[trust registry.example]\npolicy = signed-digest-by key.pem\n')
    const attached = bundleOf(digest, privateKey)
    index.manifests.splice(1, 1)
    writeFileSync(`${directory}/index.json`, JSON.stringify(index))
    expect((await bryo(['load', '-i', directory], { env })).stderr).toContain('there is no signature')
    for (const bytes of [attached.manifest, ...attached.blobs]) {
      writeFileSync(`${directory}/blobs/${sha256(bytes).replace(':', '/')}`, bytes)
    }
    index.manifests.push(attached.entry)
    writeFileSync(`${directory}/index.json`, JSON.stringify(index))
    give(directory)
    expect(await bryo(['load', '-i', directory], { env })).toMatchObject({
      code: 0,
      stdout: `Loaded image: ${name}\n`,
    })
    conf('[trust]\npolicy = reject\n')
    expect((await bryo(['load', '-i', directory], { env })).stderr).toContain('it rejects it')
    conf('')
  })
})
