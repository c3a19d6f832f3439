import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { digestHex } from '../../src/base/digest.ts'
import { digestOf } from '../../src/image/verify.ts'
import { indexOf, makeImage, named, ociEntries, smallImage, type TestImage } from '../image/support/image.ts'
import { type Handler, startServer, type TestServer } from '../image/support/registry.ts'
import { tarOf } from '../image/support/tar.ts'
import { type CallResult, createTestStore, type TestStore } from './imageFixture.ts'

// Each test starts several processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

let store: TestStore
const servers: TestServer[] = []
beforeEach(() => {
  store = createTestStore()
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  store[Symbol.dispose]()
})

const base = tarOf([
  { name: 'etc', type: 'directory', mode: 0o755 },
  { name: 'etc/os-release', content: 'ID=test\n' },
])
const top = tarOf([
  { name: 'data', type: 'directory', mode: 0o755 },
  { name: 'data/blob', content: Buffer.alloc(200_000, 'xyz') },
])
const image = makeImage({ layers: [base, top], gzip: true, config: { Cmd: ['sh'], Labels: { a: 'b' } } })
const NOTHING = { 'blobs/sha256': [], images: [], layers: [], partial: [], pending: [], tmp: [] }

function archiveOf(made: TestImage, name = 'app:1'): Buffer {
  return tarOf(ociEntries(indexOf(named(made.manifest, name)), made))
}

function write(name: string, content: Uint8Array): string {
  const path = join(store.directory, name)
  writeFileSync(path, content)
  return path
}

/** The values of calls that must all succeed. */
function valuesOf(results: readonly CallResult[]): readonly unknown[] {
  return results.map((result) => {
    expect(result.error).toBeUndefined()
    return result.value
  })
}

function layerFile(diffId: string | undefined, name: string): string {
  return join(store.directory, 'data/layers', (diffId ?? '').slice(7, 23), 'diff', name)
}

function expectComplete(made: TestImage): void {
  const contents = store.contents()
  expect(contents).toMatchObject({ partial: [], pending: [], tmp: [] })
  expect(contents['blobs/sha256']).toEqual(expect.arrayContaining([...made.blobs.keys()].map(digestHex)))
  expect(contents.layers).toEqual(made.diffIds.map((id) => id.slice(7, 23)).sort())
}

describe('loadImage()', () => {
  it('takes an OCI archive: record, blobs as they came, unpacked layers', async () => {
    const [loaded, list, inspected] = valuesOf(
      await store.run([
        ['load', { source: write('a.tar', archiveOf(image)) }],
        ['list', []],
        ['inspect', 'app:1'],
      ]),
    )
    expect(loaded).toMatchObject([{ id: image.config.digest, names: ['localhost/app:1'] }])
    expect(list).toMatchObject([
      { names: ['localhost/app:1'], manifestDigest: image.manifest.digest, size: 200_008 },
    ])
    expect(inspected).toMatchObject({
      Id: digestHex(image.config.digest),
      Digest: image.manifest.digest,
      RepoTags: ['localhost/app:1'],
      RepoDigests: [`localhost/app@${image.manifest.digest}`],
      Config: { Cmd: ['sh'], Labels: { a: 'b' } },
      RootFS: { Type: 'layers', Layers: image.diffIds },
      Size: 200_008,
    })
    expectComplete(image)
    expect(readFileSync(layerFile(image.diffIds[0], 'etc/os-release'), 'utf8')).toBe('ID=test\n')
    for (const [digest, bytes] of image.blobs) {
      const stored = readFileSync(join(store.directory, 'data/blobs/sha256', digestHex(digest)))
      expect(stored.equals(bytes)).toBe(true)
    }
  })

  it('takes a compressed archive from standard input', async () => {
    const stdin = gzipSync(archiveOf(image))
    const [loaded] = valuesOf(await store.run([['load', { source: '-' }]], { stdin }))
    expect(loaded).toMatchObject([{ names: ['localhost/app:1'] }])
    expectComplete(image)
  })

  it('takes a directory, and several images of one archive', async () => {
    const other = smallImage('other')
    const layout = join(store.directory, 'layout')
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true })
    const index = indexOf(named(image.manifest, 'app:1'), named(other.manifest, 'app:2'))
    for (const { name, content = '' } of ociEntries(index, image, other))
      writeFileSync(join(layout, name), content)
    const [loaded] = valuesOf(await store.run([['load', { source: layout }]]))
    expect(loaded).toMatchObject([{ names: ['localhost/app:1'] }, { names: ['localhost/app:2'] }])
  })

  it('takes a docker archive with plain layers', async () => {
    const plain = makeImage({ layers: [base, top] })
    const archive = tarOf([
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'c', RepoTags: ['app:1'], Layers: ['1', '2'] }]),
      },
      { name: 'c', content: plain.configBytes },
      { name: '1', content: base },
      { name: '2', content: top },
    ])
    const [loaded] = valuesOf(await store.run([['load', { source: write('d.tar', archive) }]]))
    expect(loaded).toMatchObject([{ id: plain.config.digest, names: ['docker.io/library/app:1'] }])
    expect(statSync(layerFile(plain.diffIds[1], 'data/blob')).size).toBe(200_000)
  })

  it('gives a further name to an image that is there, and moves a name to another one', async () => {
    const [, , list] = valuesOf(
      await store.run([
        ['load', { source: write('a.tar', archiveOf(image, 'app:1')) }],
        ['load', { source: write('b.tar', archiveOf(image, 'app:2')) }],
        ['list', []],
      ]),
    )
    expect(list).toMatchObject([{ names: ['localhost/app:1', 'localhost/app:2'] }])
    const [, moved] = valuesOf(
      await store.run([
        ['load', { source: write('c.tar', archiveOf(smallImage('new'), 'app:1')) }],
        ['list', []],
      ]),
    )
    expect(moved).toMatchObject([{ names: ['localhost/app:2'] }, { names: ['localhost/app:1'] }])
  })

  it('leaves nothing behind of an archive that is broken', async () => {
    const whole = archiveOf(image)
    const lastLayer = whole.lastIndexOf(gzipSync(top).subarray(0, 64))
    const flipped = Buffer.from(whole)
    flipped.writeUInt8(flipped.readUInt8(lastLayer + 100) ^ 1, lastLayer + 100)
    const lying = makeImage({ layers: [base, top] })
    const badConfig = Buffer.from(
      lying.configBytes
        .toString()
        .replace(digestHex(lying.diffIds[1] ?? image.config.digest), '0'.repeat(64)),
    )
    const lie = tarOf([
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'c', RepoTags: ['x'], Layers: ['1', '2'] }]),
      },
      { name: 'c', content: badConfig },
      { name: '1', content: base },
      { name: '2', content: top },
    ])
    const results = await store.run([
      ['load', { source: write('flipped.tar', flipped) }],
      ['load', { source: write('short.tar', whole.subarray(0, whole.length - 3000)) }],
      ['load', { source: write('lie.tar', lie) }],
      ['load', { source: write('rootfs.tar', base) }],
      ['list', []],
    ])
    expect(results.map((result) => result.error?.code ?? 'fine')).toEqual([
      expect.stringMatching(/^(?:INVALID_ARCHIVE|DIGEST_MISMATCH)$/),
      'INVALID_ARCHIVE',
      'DIGEST_MISMATCH',
      'INVALID_ARCHIVE',
      'fine',
    ])
    expect(results.at(-1)?.value).toEqual([])
    expect(store.contents()).toEqual(NOTHING)
  })

  it('refuses a layer whose name leads out of it', async () => {
    const evil = makeImage({ layers: [tarOf([{ name: '../../evil', content: 'x' }])] })
    const [result] = await store.run([['load', { source: write('evil.tar', archiveOf(evil)) }]])
    expect(result?.error).toMatchObject({ code: 'INVALID_ARCHIVE' })
    expect(store.contents()).toEqual(NOTHING)
  })

  it('refuses an image of another platform family and warns of another processor', async () => {
    const arm = smallImage('arm', { architecture: process.arch === 'arm64' ? 'amd64' : 'arm64' })
    const windows = smallImage('windows', { os: 'windows' })
    const [first, second] = await store.run([
      ['load', { source: write('arm.tar', archiveOf(arm)) }],
      ['load', { source: write('windows.tar', archiveOf(windows)) }],
    ])
    expect(first?.value).toMatchObject([{ warnings: [expect.stringContaining('not for linux/')] }])
    expect(second?.error).toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('importImage()', () => {
  it('makes an image of a root directory, with the given changes', async () => {
    const request = {
      source: write('rootfs.tar.gz', gzipSync(base)),
      reference: 'mine',
      changes: ['CMD ["sh","-l"]', 'ENV A=b', 'WORKDIR /w'],
      message: 'by hand',
      created: '2024-01-02T03:04:05Z',
    }
    const [imported, inspected] = valuesOf(
      await store.run([
        ['import', request],
        ['inspect', 'mine'],
      ]),
    )
    expect(imported).toMatchObject({ name: 'localhost/mine:latest' })
    expect(inspected).toMatchObject({
      Created: '2024-01-02T03:04:05Z',
      Config: { Cmd: ['sh', '-l'], Env: ['A=b'], WorkingDir: '/w' },
      History: [{ comment: 'by hand', created: '2024-01-02T03:04:05Z' }],
    })
  })

  it('reads standard input and needs no name', async () => {
    const request = { source: '-', created: '2024-01-02T03:04:05Z' }
    const [, list] = valuesOf(
      await store.run(
        [
          ['import', request],
          ['list', [['dangling', ['true']]]],
        ],
        { stdin: base },
      ),
    )
    expect(list).toMatchObject([{ names: [] }])
  })

  it('leaves nothing behind of an archive that is broken', async () => {
    const results = await store.run([
      ['import', { source: write('short.tar', base.subarray(0, 1200)), created: '' }],
      ['import', { source: write('text', Buffer.alloc(5000, 'text\n')), created: '' }],
      ['import', { source: write('empty', Buffer.alloc(0)), created: '' }],
      ['import', { source: join(store.directory, 'missing'), created: '' }],
      ['import', { source: write('fine.tar', base), created: '', changes: ['RUN x'] }],
    ])
    expect(results.map((result) => result.error?.code)).toEqual([
      'INVALID_ARCHIVE',
      'INVALID_ARCHIVE',
      'INVALID_ARCHIVE',
      'NOT_FOUND',
      'USAGE',
    ])
    expect(store.contents()).toEqual(NOTHING)
  })
})

describe('removeImage(), tagImage() and untagImage()', () => {
  it('takes names one by one and the image with the last one', async () => {
    const results = valuesOf(
      await store.run([
        ['load', { source: write('a.tar', archiveOf(image)) }],
        ['tag', ['app:1', ['other:2', 'quay.example/x/y']]],
        ['remove', { image: 'app:1' }],
        ['untag', ['other:2', ['other:2']]],
        ['remove', { image: 'quay.example/x/y' }],
      ]),
    )
    expect(results.slice(2)).toEqual([
      { untagged: ['localhost/app:1'], deleted: [] },
      null,
      { untagged: ['quay.example/x/y:latest'], deleted: [image.config.digest] },
    ])
    expect(store.contents()).toEqual(NOTHING)
  })

  it('asks for force to remove by id what has several names', async () => {
    const id = digestHex(image.config.digest).slice(0, 12)
    const results = await store.run([
      ['load', { source: write('a.tar', archiveOf(image)) }],
      ['tag', ['app:1', ['app:2']]],
      ['remove', { image: id }],
      ['remove', { image: id, force: true }],
      ['remove', { image: id }],
    ])
    expect(results[2]?.error).toMatchObject({ code: 'IN_USE', message: expect.stringContaining('2 names') })
    expect(results[3]?.value).toMatchObject({ deleted: [image.config.digest] })
    expect(results[4]?.error).toMatchObject({ code: 'NOT_FOUND', message: `${id}: image not known` })
  })
})

describe('removeImage() with a container of the image', () => {
  it('refuses, and with force keeps the layers that the container needs', async () => {
    const results = await store.run([
      ['load', { source: write('a.tar', archiveOf(image)) }],
      ['container', 'app:1'],
      ['remove', { image: 'app:1' }],
      ['tag', ['app:1', ['app:2']]],
      ['remove', { image: 'app:2' }],
      ['remove', { image: 'app:1', force: true }],
      ['list', []],
    ])
    const container = String(results[1]?.value).slice(0, 12)
    expect(results[2]?.error).toMatchObject({
      code: 'IN_USE',
      message: `cannot remove image "app:1": image is in use by container ${container}`,
    })
    expect(results[4]?.value).toEqual({ untagged: ['localhost/app:2'], deleted: [] })
    expect(results[5]?.value).toMatchObject({ deleted: [image.config.digest] })
    expect(results[6]?.value).toEqual([])
    const { layers, ...others } = store.contents()
    expect(layers).toHaveLength(2)
    expect(others).toMatchObject({ 'blobs/sha256': [], images: [] })
  })
})

describe('listImages()', () => {
  it('filters by reference, label, id, age and name', async () => {
    const older = { source: write('r.tar', base), reference: 'old', created: '2020-01-01T00:00:00Z' }
    const newer = {
      source: '-',
      reference: 'x/new:3',
      created: '2021-01-01T00:00:00Z',
      changes: ['LABEL k=v'],
    }
    const lists = [
      [['reference', ['*old']]],
      [['reference', ['localhost/x/*']]],
      [['label', ['k=v']]],
      [['label', ['k=w']]],
      [['since', ['old']]],
      [['before', ['x/new:3']]],
      [
        ['dangling', ['false']],
        ['label', ['k']],
      ],
      [],
    ].map((filters) => ['list', filters] as const)
    const results = valuesOf(
      await store.run([['import', older], ['import', newer], ...lists], { stdin: top }),
    )
    const names = results
      .slice(2)
      .map((list) => JSON.stringify(list).match(/localhost\/(?:old|x\/new)/g) ?? [])
    const [old, fresh] = ['localhost/old', 'localhost/x/new']
    expect(names).toEqual([[old], [fresh], [fresh], [], [fresh], [old], [fresh], [fresh, old]])
  })
})

/** Serves the documents and blobs of images below `/v2/app/`, every manifest under the tag `latest` too. */
function serving(made: TestImage, before: (path: string) => Handler | undefined = () => undefined): Handler {
  return (request, response) => {
    const path = request.url ?? ''
    const special = before(path)
    if (special) return special(request, response)
    const key = path.endsWith('/manifests/latest')
      ? made.manifest.digest
      : path.slice(path.lastIndexOf('/') + 1)
    const content = [...made.blobs].find(([digest]) => digest === key)?.[1]
    if (!content) return void response.writeHead(404).end()
    if (path.includes('/manifests/')) response.setHeader('content-type', made.manifest.mediaType)
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? range : {})
    response.end(content.subarray(start))
  }
}

async function serve(handler: Handler): Promise<TestServer> {
  const server = await startServer(handler)
  servers.push(server)
  return server
}

describe('pullImage()', () => {
  const pullOf = (server: TestServer, more = {}) =>
    ['pull', { reference: `${server.host}/app`, tlsVerify: false, ...more }] as const

  it('brings an image in under its name and digest', async () => {
    const server = await serve(serving(image))
    const [pulled, list] = valuesOf(await store.run([pullOf(server), ['list', []]]))
    expect(pulled).toMatchObject({
      id: image.config.digest,
      manifestDigest: image.manifest.digest,
      pulled: true,
    })
    expect(list).toMatchObject([
      { names: [`${server.host}/app:latest`], repoDigests: [`${server.host}/app@${image.manifest.digest}`] },
    ])
    expectComplete(image)
  })

  it('asks the registry only as the policy says', async () => {
    const server = await serve(serving(image))
    const policy = (name: string) => pullOf(server, { policy: name })
    const [never] = await store.run([policy('never')])
    expect(never?.error).toMatchObject({ code: 'NOT_FOUND' })
    expect(server.requests).toEqual([])
    valuesOf(await store.run([policy('missing')]))
    const asked = server.requests.length
    valuesOf(await store.run([policy('missing'), policy('never')]))
    expect(server.requests).toHaveLength(asked)
    const [newer] = valuesOf(await store.run([policy('newer')]))
    expect(newer).toMatchObject({ pulled: false })
    const blobs = server.requests.filter(({ path }) => path.includes('/blobs/')).length
    valuesOf(await store.run([policy('always')]))
    expect(server.requests.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(blobs)
  })

  it('goes on with the download that an earlier pull had to leave', async () => {
    const big = makeImage({ layers: [tarOf([{ name: 'big', content: Buffer.alloc(300_000, 'big') }])] })
    const layer = big.layers[0]?.digest ?? ''
    let broken = true
    const server = await serve(
      serving(big, (path) =>
        broken && path.endsWith(layer)
          ? (request, response) => {
              const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
              if (start > 0) return void response.writeHead(403).end()
              response.writeHead(200, { 'content-length': big.layers[0]?.size })
              const content = [...big.blobs.values()][2] ?? Buffer.alloc(0)
              response.write(content.subarray(0, 100_000), () => response.socket?.end())
            }
          : undefined,
      ),
    )
    const [failed] = await store.run([pullOf(server)])
    expect(failed?.error).toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(store.contents()).toMatchObject({
      images: [],
      layers: [],
      partial: [layer.slice(7)],
      pending: [],
      tmp: [],
    })
    broken = false
    valuesOf(await store.run([pullOf(server)]))
    // How much of what was sent before the cut arrived is the kernel's affair.
    expect(server.requests.at(-1)?.range).toMatch(/^bytes=[1-9]\d*-$/)
    expectComplete(big)
    expect(readFileSync(layerFile(big.diffIds[0], 'big'), 'utf8')).toBe('big'.repeat(100_000))
  })

  it('starts again where what an earlier pull left is damaged', async () => {
    const server = await serve(serving(image))
    const layer = digestHex(image.layers[1]?.digest ?? image.config.digest)
    valuesOf(await store.run([['list', []]]))
    const user = spawnSync('stat', ['-c', '%u:%g', store.directory], { encoding: 'utf8' }).stdout.trim()
    const partial = join(store.directory, 'data/partial', layer)
    writeFileSync(partial, Buffer.alloc(20, 'damaged'))
    spawnSync('chown', [user, partial])
    valuesOf(await store.run([pullOf(server)]))
    expectComplete(image)
  })

  it('leaves no image and no layer where a blob is not what its digest names', async () => {
    const wrong = image.layers[1]?.digest ?? ''
    const server = await serve(
      serving(image, (path) =>
        path.endsWith(wrong)
          ? (_, response) => response.end(Buffer.alloc(image.layers[1]?.size ?? 0, 0x61))
          : undefined,
      ),
    )
    const [result] = await store.run([pullOf(server)])
    expect(result?.error?.code).toMatch(/^(?:INVALID_ARCHIVE|DIGEST_MISMATCH)$/)
    expect(store.contents()).toEqual(NOTHING)
  })

  it('takes the manifest of the platform from an index, and keeps the index', async () => {
    const arm = smallImage('arm', { architecture: 'arm64' })
    const amd = smallImage('amd', { architecture: 'amd64' })
    const index = makeIndex(arm, amd)
    const both = {
      ...amd,
      manifest: index.descriptor,
      blobs: new Map([...arm.blobs, ...amd.blobs, index.blob]),
    }
    const server = await serve(serving(both))
    const [pulled, , list] = valuesOf(
      await store.run([
        pullOf(server, { platform: 'linux/arm64' }),
        pullOf(server, { platform: 'linux/amd64' }),
        ['list', [['dangling', ['false']]]],
      ]),
    )
    expect(pulled).toMatchObject({ id: arm.config.digest, manifestDigest: arm.manifest.digest })
    expect(list).toMatchObject([
      {
        id: amd.config.digest,
        repoDigests: [
          `${server.host}/app@${amd.manifest.digest}`,
          `${server.host}/app@${index.descriptor.digest}`,
        ],
      },
    ])
    const [other] = await store.run([pullOf(server, { platform: 'linux/s390x' })])
    expect(other?.error).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('linux/arm64, linux/amd64'),
    })
  })

  it('pulls one image in many processes at a time', async () => {
    const server = await serve(serving(image))
    const all = await Promise.all(Array.from({ length: 8 }, () => store.run([pullOf(server)])))
    for (const results of all) expect(valuesOf(results)).toMatchObject([{ id: image.config.digest }])
    expectComplete(image)
    const layers = server.requests.filter(({ path }) => path.endsWith(image.layers[1]?.digest ?? ''))
    expect(layers).toHaveLength(1)
  })
})

function makeIndex(...images: readonly TestImage[]) {
  const manifests = images.map((made) => {
    const { os, architecture } = JSON.parse(made.configBytes.toString())
    return { ...made.manifest, platform: { os, architecture } }
  })
  const bytes = Buffer.from(JSON.stringify(indexOf(...manifests)))
  const descriptor = { ...smallImage().manifest, mediaType: 'application/vnd.oci.image.index.v1+json' }
  const digest = digestOf(bytes)
  return { descriptor: { ...descriptor, digest, size: bytes.length }, blob: [digest, bytes] as const }
}
