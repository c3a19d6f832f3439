import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tarOf } from '../image/support/tar.ts'
import { give, openWorld } from './support/world.ts'

const world = await openWorld({ image: false })
const { bryo } = world
const root = readFileSync(world.archive)
const NO_NETWORK = ['--network', 'none']

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

interface Layer {
  readonly tar: Buffer
  readonly sent?: Buffer
  readonly mediaType?: string
}

/** An image in the OCI layout, with layers sent as they are told. */
function writeImage(name: string, layers: readonly Layer[]): string {
  const directory = world.makeDirectory(name)
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true })
  const put = (mediaType: string, bytes: Buffer) => {
    writeFileSync(`${directory}/blobs/${digestOf(bytes).replace(':', '/')}`, bytes)
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const config = json({
    os: 'linux',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    config: { Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => digestOf(tar)) },
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: put('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map(({ tar, sent = tar, mediaType = 'application/vnd.oci.image.layer.v1.tar' }) =>
      put(mediaType, sent),
    ),
  })
  const entry = put('application/vnd.oci.image.manifest.v1+json', manifest)
  const annotations = { 'org.opencontainers.image.ref.name': `localhost/${name}:1` }
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(`${directory}/index.json`, json({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }))
  give(directory)
  return directory
}

/** A frame that decoders pass over. @see RFC 8878, section 3.1.2 */
function skippable(content: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

const compress = (bytes: Buffer) => execFileSync('zstd', ['-q', '-c'], { input: bytes, maxBuffer: 1 << 28 })

describe('layers', () => {
  it.runIf(existsSync('/usr/bin/zstd'))(
    'in the form of zstd:chunked, frames by file with tables in between, are whole (skipped without zstd)',
    async () => {
      const size = 100_000
      const pieces = Array.from({ length: Math.ceil(root.length / size) }, (_, index) =>
        root.subarray(index * size, (index + 1) * size),
      )
      const table = skippable(compress(Buffer.from('{"version":1,"entries":[]}')))
      const sent = Buffer.concat([...pieces.map(compress), table, skippable(Buffer.alloc(64, 0x28))])
      const mediaType = 'application/vnd.oci.image.layer.v1.tar+zstd'
      const directory = writeImage('chunked', [{ tar: root, sent, mediaType }])
      expect(await bryo(['load', '-i', directory])).toMatchObject({ code: 0 })
      expect(await bryo(['run', '--rm', ...NO_NETWORK, 'chunked:1', 'cat', '/etc/greeting'])).toMatchObject({
        stdout: 'hello from the image\n',
      })
    },
  )

  it.each([
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'foreign layer'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'foreign layer'],
    ['application/vnd.oci.image.layer.v1.tar+encrypted', 'unknown layer type'],
    ['application/vnd.oci.image.layer.v1.tar+br', 'unknown layer type'],
  ])('of the type %s are a clear error that leaves nothing', async (mediaType, message) => {
    const before = world.listing()
    const directory = writeImage(`type${mediaType.length}`, [{ tar: root, mediaType }])
    const ended = await bryo(['load', '-i', directory])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining(message) })
    expect(ended.stderr).toContain(mediaType)
    expect(world.listing()).toEqual(before)
  })

  it('may be 127, with either driver', async () => {
    const small = Array.from({ length: 126 }, (_, index) => ({
      tar: tarOf([
        { name: `of-${index}`, content: String(index) },
        { name: 'last', content: String(index) },
      ]),
    }))
    expect(await bryo(['load', '-i', writeImage('many', [{ tar: root }, ...small])])).toMatchObject({
      code: 0,
    })
    const script = 'cat /last /of-0 /of-125; echo; echo more > /of-3; rm /of-4; ls -d /of-* | wc -l'
    for (const driver of ['overlay', 'fuse-overlayfs']) {
      const run = ['--storage-driver', driver, 'run', '--rm', ...NO_NETWORK, 'many:1', 'sh', '-c', script]
      const ended = await bryo(run)
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: '1250125\n125\n' })
    }
  })
})
