import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { indexOf, makeImage, named, ociEntries } from '../image/support/image.ts'
import { tarOf } from '../image/support/tar.ts'
import { createTestStore, type TestStore } from './imageFixture.ts'

const REGISTRY = '/usr/bin/docker-registry'
const hasTools = [REGISTRY, '/usr/bin/skopeo', '/usr/bin/openssl'].every(existsSync)

const files = tarOf([
  { name: 'bin', type: 'directory', mode: 0o755 },
  { name: 'bin/app', content: 'hello\n', mode: 0o755 },
])
const image = makeImage({ layers: [files, tarOf([{ name: 'top', content: 'x' }])], gzip: true })

// Each test starts several processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

let directory: string
let store: TestStore
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-tools-'))
  execFileSync('chmod', ['755', directory])
  for (const name of ['layout/blobs/sha256', 'certs']) mkdirSync(join(directory, name), { recursive: true })
  for (const { name, content = '' } of ociEntries(indexOf(named(image.manifest, 'app')), image)) {
    writeFileSync(join(directory, 'layout', name), content)
  }
})
afterAll(() => rmSync(directory, { recursive: true }))
beforeEach(() => {
  store = createTestStore()
})
afterEach(() => store[Symbol.dispose]())

function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', [...args], { cwd: directory, encoding: 'utf8' }).trim()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Debian's registry on loopback, ready when this returns. */
async function startRegistry(tls?: { readonly cert: string; readonly key: string }) {
  const port = await freePort()
  const http = { addr: `127.0.0.1:${port}`, ...(tls && { tls: { certificate: tls.cert, key: tls.key } }) }
  const storage = { filesystem: { rootdirectory: join(directory, 'registry') } }
  const config = join(directory, `registry-${port}.yml`)
  writeFileSync(config, JSON.stringify({ version: '0.1', log: { level: 'error' }, storage, http }))
  const child = spawn(REGISTRY, ['serve', config], { stdio: 'ignore' })
  await untilListening(port, child)
  return { port, child }
}

/** Connects until it is taken; a registry that ended instead is an error. */
async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the registry ended with ${child.exitCode}`)
    const answered = await new Promise<boolean>((resolve) => {
      const request = get({ host: '127.0.0.1', port, path: '/v2/' }, (response) => {
        response.resume()
        resolve(true)
      })
      request.on('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')))
    })
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill()
  await ended
}

function makeCertificates() {
  const path = (name: string) => join(directory, 'certs', name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', [...args], { stdio: 'ignore' })
  const key = ['-newkey', 'rsa:2048', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    path('ca-key.pem'),
    '-out',
    path('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=test',
  )
  openssl(
    'req',
    ...key,
    '-keyout',
    path('server-key.pem'),
    '-out',
    path('server.csr'),
    '-subj',
    '/CN=localhost',
  )
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const authority = ['-CA', path('ca.crt'), '-CAkey', path('ca-key.pem'), '-CAcreateserial']
  openssl(
    'x509',
    '-req',
    '-in',
    path('server.csr'),
    ...authority,
    '-out',
    path('server.pem'),
    '-days',
    '2',
    '-extfile',
    path('names'),
  )
  mkdirSync(path('dir'))
  writeFileSync(path('dir/ca.crt'), readFileSync(path('ca.crt')))
  return { cert: path('server.pem'), key: path('server-key.pem'), ca: path('ca.crt'), certDir: path('dir') }
}

describe.skipIf(!hasTools)('images of other tools (skipped without skopeo and docker-registry)', () => {
  it('loadImage() takes what skopeo writes', async () => {
    skopeo('copy', '-q', 'oci:layout:app', 'oci-archive:oci.tar:app:1')
    skopeo('copy', '-q', 'oci:layout:app', 'docker-archive:docker.tar:app:2')
    const results = await store.run([
      ['load', { source: join(directory, 'oci.tar') }],
      ['load', { source: join(directory, 'docker.tar') }],
      ['load', { source: join(directory, 'layout') }],
      ['list', []],
    ])
    expect(results.map((result) => result.error)).toEqual([undefined, undefined, undefined, undefined])
    expect(results[3]?.value).toMatchObject([
      {
        id: image.config.digest,
        manifestDigest: image.manifest.digest,
        names: ['localhost/app:1', 'docker.io/library/app:2', 'localhost/app:latest'],
      },
    ])
  })

  it('pullImage() gets from a registry the digests that skopeo sees there', async () => {
    const { port, child } = await startRegistry()
    const name = `127.0.0.1:${port}/team/app`
    try {
      skopeo('copy', '-q', '--dest-tls-verify=false', 'oci:layout:app', `docker://${name}:oci`)
      skopeo(
        'copy',
        '-q',
        '--dest-tls-verify=false',
        '--format=v2s2',
        'oci:layout:app',
        `docker://${name}:docker`,
      )
      const digests = ['oci', 'docker'].map((tag) =>
        skopeo('inspect', '--tls-verify=false', '--format={{.Digest}}', `docker://${name}:${tag}`),
      )
      const results = await store.run([
        ['pull', { reference: `${name}:oci` }],
        ['pull', { reference: `${name}:oci`, tlsVerify: false }],
        ['pull', { reference: `${name}:docker`, tlsVerify: false }],
        ['pull', { reference: `${name}@${digests[0]}`, tlsVerify: false }],
        ['pull', { reference: `${name}:nothing`, tlsVerify: false }],
        ['pullAll', { reference: name, tlsVerify: false }],
      ])
      expect(results[0]?.error).toMatchObject({
        code: 'NETWORK',
        hint: expect.stringContaining('--tls-verify=false'),
      })
      expect(results[1]?.value).toMatchObject({ manifestDigest: digests[0], id: image.config.digest })
      expect(results[2]?.value).toMatchObject({ manifestDigest: digests[1] })
      expect(results[3]?.value).toMatchObject({ manifestDigest: digests[0] })
      expect(results[4]?.error).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('MANIFEST_UNKNOWN'),
      })
      expect(results[5]?.value).toMatchObject([{ reference: `${name}:docker` }, { reference: `${name}:oci` }])
    } finally {
      await stop(child)
    }
  })

  it('pullImage() trusts the authority that it is given, and no other', async () => {
    const { cert, key, ca, certDir } = makeCertificates()
    const plain = await startRegistry()
    skopeo(
      'copy',
      '-q',
      '--dest-tls-verify=false',
      'oci:layout:app',
      `docker://127.0.0.1:${plain.port}/tls:1`,
    )
    await stop(plain.child)
    const { port, child } = await startRegistry({ cert, key })
    try {
      const reference = `localhost:${port}/tls:1`
      const results = await store.run([
        ['pull', { reference }],
        ['pull', { reference, certDir }],
        ['pull', { reference, tlsVerify: false }],
      ])
      expect(results[0]?.error).toMatchObject({
        code: 'NETWORK',
        message: expect.stringContaining('cannot trust'),
      })
      expect(results[1]?.value).toMatchObject({ manifestDigest: image.manifest.digest })
      expect(results[2]?.value).toMatchObject({ manifestDigest: image.manifest.digest })
      const [named] = await store.run([['pull', { reference }]], { env: { SSL_CERT_FILE: ca } })
      expect(named?.value).toMatchObject({ manifestDigest: image.manifest.digest })
    } finally {
      await stop(child)
    }
  })
})
