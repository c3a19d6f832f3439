import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openImageArchive } from '../../src/image/archive/open.ts'
import { formatReference } from '../../src/image/reference.ts'
import { digestOf } from '../../src/image/verify.ts'
import { ownFd } from '../../src/syscall/fd.ts'
import { indexOf, named, ociEntries, smallImage, type TestImage } from './support/image.ts'
import { type TestEntry, tarOf } from './support/tar.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-archive-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function createSpool() {
  const path = join(directory, 'spool')
  const fd = openSync(path, 'wx+')
  unlinkSync(path)
  return ownFd(fd)
}

function open(source: Uint8Array | string, maxSpoolBytes = 1e9) {
  if (typeof source === 'string') return openImageArchive(source, { createSpool, maxSpoolBytes })
  const path = join(directory, 'archive')
  writeFileSync(path, source)
  return openImageArchive(path, { createSpool, maxSpoolBytes })
}

/** Reads the whole of an archive; gives the names of its images and the digests of its layers. */
async function readAll(source: Uint8Array | string, image: TestImage) {
  using archive = await open(source)
  for (const layer of image.layers) {
    const parts: Uint8Array[] = []
    for await (const chunk of archive.openBlob(layer, 0)) parts.push(chunk)
    expect(digestOf(Buffer.concat(parts))).toBe(layer.digest)
  }
  expect(await archive.readBlob(image.config, 1e6)).toEqual(image.configBytes)
  return archive.images.map((found) => found.names.map(formatReference))
}

function failing(code: string, message: string) {
  return expect.objectContaining({ code, message: expect.stringContaining(message) })
}

const image = smallImage()
const ociArchive = (
  entries: readonly TestEntry[] = ociEntries(indexOf(named(image.manifest, 'app:1')), image),
) => tarOf(entries)

const dockerItem = { Config: 'config.json', RepoTags: ['app:1'], Layers: ['a/layer.tar'] }
function dockerArchive(item: unknown = dockerItem, layer: TestEntry = { name: 'a/layer.tar' }): Buffer {
  const content = [...image.blobs.values()][2] ?? ''
  return tarOf([
    { name: 'manifest.json', content: JSON.stringify([item]) },
    { name: 'config.json', content: image.configBytes },
    { content, ...layer },
  ])
}

describe('openImageArchive() with an OCI archive', () => {
  it('gives the image, its name and its verified blobs', async () => {
    expect(await readAll(ociArchive(), image)).toEqual([['localhost/app:1']])
  })

  it('reads one that is compressed with gzip', async () => {
    expect(await readAll(gzipSync(ociArchive()), image)).toEqual([['localhost/app:1']])
  })

  it('reads names that start with ./', async () => {
    const entries = ociEntries(indexOf(named(image.manifest, 'app:1')), image)
    const archive = tarOf(entries.map((entry) => ({ ...entry, name: `./${entry.name}` })))
    expect(await readAll(archive, image)).toEqual([['localhost/app:1']])
  })

  it('reads a directory in the same layout', async () => {
    mkdirSync(join(directory, 'layout/blobs/sha256'), { recursive: true })
    for (const { name, content = '' } of ociEntries(indexOf(named(image.manifest, 'app:1')), image)) {
      writeFileSync(join(directory, 'layout', name), content)
    }
    expect(await readAll(join(directory, 'layout'), image)).toEqual([['localhost/app:1']])
  })

  it('reads several images, and takes the full name where containerd wrote one', async () => {
    const other = smallImage('other')
    const full = {
      ...other.manifest,
      annotations: { 'io.containerd.image.name': 'docker.io/library/other:2' },
    }
    const index = indexOf(named(image.manifest, 'app:1'), full, smallImage('third').manifest)
    const archive = tarOf(ociEntries(index, image, other, smallImage('third')))
    expect(await readAll(archive, image)).toEqual([['localhost/app:1'], ['docker.io/library/other:2'], []])
  })

  it('makes one image of entries that differ by platform only', async () => {
    const arm = smallImage('arm', { architecture: 'arm64' })
    const index = indexOf(
      { ...named(image.manifest, 'app:1'), platform: { os: 'linux', architecture: 'amd64' } },
      { ...named(arm.manifest, 'app:1'), platform: { os: 'linux', architecture: 'arm64' } },
    )
    using archive = await open(tarOf(ociEntries(index, image, arm)))
    expect(archive.images).toHaveLength(1)
    expect(JSON.parse(Buffer.from(archive.images[0]?.document.bytes ?? '').toString())).toMatchObject({
      manifests: [{ digest: image.manifest.digest }, { digest: arm.manifest.digest }],
    })
  })

  it('leaves an image without a name where the annotation is none', async () => {
    expect(await readAll(tarOf(ociEntries(indexOf(named(image.manifest, 'No Name')), image)), image)).toEqual(
      [[]],
    )
  })
})

describe('openImageArchive() with a docker archive', () => {
  it('gives the image under the name that a short tag means', async () => {
    expect(await readAll(dockerArchive(), image)).toEqual([['docker.io/library/app:1']])
  })

  it('follows the links by which old archives share layers', async () => {
    const content = [...image.blobs.values()][2] ?? ''
    const archive = tarOf([
      { name: 'manifest.json', content: JSON.stringify([dockerItem]) },
      { name: 'config.json', content: image.configBytes },
      { name: 'b/layer.tar', content },
      { name: 'a/layer.tar', type: 'symlink', link: '../b/layer.tar' },
    ])
    expect(await readAll(archive, image)).toEqual([['docker.io/library/app:1']])
  })

  it('takes a compressed layer as it came', async () => {
    const layer = gzipSync([...image.blobs.values()][2] ?? '')
    using archive = await open(dockerArchive(dockerItem, { name: 'a/layer.tar', content: layer }))
    const manifest: unknown = JSON.parse(Buffer.from(archive.images[0]?.document.bytes ?? '').toString())
    expect(manifest).toMatchObject({
      layers: [
        {
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          digest: digestOf(layer),
          size: layer.byteLength,
        },
      ],
    })
  })

  it('refuses another number of layers than the configuration has', async () => {
    const archive = dockerArchive({ ...dockerItem, Layers: [] })
    await expect(open(archive)).rejects.toThrow(
      failing('INVALID_ARCHIVE', 'names 1 layers, "manifest.json" 0'),
    )
  })

  it.each([
    ['a link out of the archive', { type: 'symlink', link: '../../../../etc/passwd' }],
    ['an absolute link', { type: 'symlink', link: '/etc/passwd' }],
    ['a link to itself', { type: 'symlink', link: 'layer.tar' }],
    ['a link to nothing', { type: 'symlink', link: 'nowhere' }],
    ['a hard link out of the archive', { type: 'hardlink', link: '../x' }],
    ['a FIFO', { type: 'fifo' }],
  ] as const)('refuses %s as layer', async (_, entry) => {
    const archive = dockerArchive(dockerItem, { name: 'a/layer.tar', ...entry })
    await expect(open(archive)).rejects.toThrow(expect.objectContaining({ code: 'INVALID_ARCHIVE' }))
  })

  it.each([
    ['no list', {}],
    ['layers that are numbers', [{ ...dockerItem, Layers: [1] }]],
    ['no configuration', [{ ...dockerItem, Config: undefined }]],
  ])('refuses a manifest.json with %s', async (_, document) => {
    const archive = tarOf([{ name: 'manifest.json', content: JSON.stringify(document) }])
    await expect(open(archive)).rejects.toThrow(expect.objectContaining({ code: 'INVALID_IMAGE' }))
  })
})

describe('openImageArchive() with damage', () => {
  it('says of a truncated archive that it is truncated', async () => {
    const whole = ociArchive()
    await expect(open(whole.subarray(0, whole.length - 2000))).rejects.toThrow('truncated')
    await expect(open(gzipSync(whole).subarray(0, 100))).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARCHIVE' }),
    )
  })

  it('finds a flipped byte in a document and in a header', async () => {
    const manifestAt = ociArchive().indexOf(
      '"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest',
    )
    const flipped = ociArchive()
    flipped[manifestAt + 1] = 0x53
    await expect(open(flipped)).rejects.toThrow(failing('DIGEST_MISMATCH', image.manifest.digest))
    const header = ociArchive()
    header[0] = 0x7a
    await expect(open(header)).rejects.toThrow(failing('INVALID_ARCHIVE', 'checksum'))
  })

  it('finds a blob of another size than declared', async () => {
    const wrong = { ...image.manifest, size: image.manifest.size + 1 }
    await expect(open(tarOf(ociEntries(indexOf(named(wrong, 'app:1')), image)))).rejects.toThrow(
      failing('DIGEST_MISMATCH', `expected ${wrong.size}`),
    )
  })

  it('names a blob that is missing', async () => {
    const entries = ociEntries(indexOf(named(image.manifest, 'app:1')))
    await expect(open(tarOf(entries))).rejects.toThrow(
      failing('INVALID_ARCHIVE', `"blobs/sha256/${image.manifest.digest.slice(7)}" is missing`),
    )
  })

  it.each(['../x', '/etc/passwd', 'a/../../x'])('refuses an archive with the entry %s', async (name) => {
    const entries = [...ociEntries(indexOf(named(image.manifest, 'app:1')), image), { name, content: 'x' }]
    await expect(open(tarOf(entries))).rejects.toThrow(failing('INVALID_ARCHIVE', 'leads out of it'))
  })

  it('refuses links and FIFOs in a directory', async () => {
    mkdirSync(join(directory, 'layout/blobs/sha256'), { recursive: true })
    writeFileSync(join(directory, 'outside'), JSON.stringify(indexOf()))
    writeFileSync(join(directory, 'layout/oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    symlinkSync('../outside', join(directory, 'layout/index.json'))
    await expect(open(join(directory, 'layout'))).rejects.toThrow(failing('INVALID_ARCHIVE', 'symbolic link'))
  })

  it('says what is no image archive', async () => {
    await expect(open(Buffer.alloc(0))).rejects.toThrow(expect.objectContaining({ code: 'INVALID_ARCHIVE' }))
    await expect(open(Buffer.alloc(10_000, 'text\n'))).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARCHIVE' }),
    )
    await expect(open(tarOf([{ name: 'etc/passwd', content: 'x' }]))).rejects.toThrow(
      failing('INVALID_ARCHIVE', 'neither "index.json"'),
    )
    await expect(open(join(directory, 'nothing'))).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    )
  })

  it('stops a bomb at the given size', async () => {
    await expect(open(gzipSync(Buffer.alloc(5_000_000)), 1_000_000)).rejects.toThrow(
      failing('NO_SPACE', 'more than the 1000000 bytes'),
    )
  })

  it('refuses a layout of another version, and one with a huge index', async () => {
    const [, ...rest] = ociEntries(indexOf(named(image.manifest, 'app:1')), image)
    const newer = tarOf([{ name: 'oci-layout', content: '{"imageLayoutVersion":"2.0.0"}' }, ...rest])
    await expect(open(newer)).rejects.toThrow('imageLayoutVersion')
    const huge = tarOf([
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', content: Buffer.alloc(5_000_000, 0x20) },
    ])
    await expect(open(huge)).rejects.toThrow('expected at most 4194304')
  })
})
