import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { MAX_MANIFEST_SIZE, parseManifest } from '../../src/image/manifest.ts'
import { MEDIA_TYPE } from '../../src/image/mediaTypes.ts'

const DIGEST = `sha256:${'ab'.repeat(32)}`
const config = { mediaType: MEDIA_TYPE.ociConfig, digest: DIGEST, size: 10 }
const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: DIGEST, size: 20 }
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer] }
const entry = {
  mediaType: MEDIA_TYPE.ociManifest,
  digest: DIGEST,
  size: 5,
  platform: { os: 'linux', architecture: 'amd64' },
}
const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [entry] }

function bytes(document: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(document))
}

function codeOf(document: unknown, deliveredAs?: string): string {
  try {
    parseManifest(bytes(document), deliveredAs)
  } catch (error) {
    return error instanceof BryoError ? error.code : String(error)
  }
  return 'accepted'
}

describe('parseManifest()', () => {
  it('reads an OCI manifest', () => {
    expect(parseManifest(bytes({ ...manifest, annotations: { a: 'b' } }), MEDIA_TYPE.ociManifest)).toEqual({
      kind: 'manifest',
      mediaType: MEDIA_TYPE.ociManifest,
      config,
      layers: [layer],
      annotations: { a: 'b' },
    })
  })

  it('reads a Docker manifest', () => {
    const docker = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.dockerManifest,
      config: { ...config, mediaType: MEDIA_TYPE.dockerConfig },
      layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
    }
    expect(parseManifest(bytes(docker)).kind).toBe('manifest')
  })

  it('reads an OCI index and a Docker manifest list', () => {
    expect(parseManifest(bytes(index))).toMatchObject({
      kind: 'index',
      manifests: [{ digest: DIGEST, size: 5 }],
    })
    expect(codeOf({ ...index, mediaType: MEDIA_TYPE.dockerManifestList })).toBe('accepted')
  })

  it('tells the kind by the content where no type is given', () => {
    const { mediaType: _, ...bare } = index
    expect(parseManifest(bytes(bare)).kind).toBe('index')
    expect(parseManifest(bytes({ schemaVersion: 2, config, layers: [] })).mediaType).toBe(
      MEDIA_TYPE.ociManifest,
    )
    expect(codeOf(bare, 'application/json')).toBe('accepted')
  })

  it('refuses a document that is manifest and index at once (CVE-2021-41190)', () => {
    expect(codeOf({ ...manifest, manifests: [entry] })).toBe('INVALID_IMAGE')
    expect(codeOf({ ...index, layers: [layer], config })).toBe('INVALID_IMAGE')
    expect(codeOf({ schemaVersion: 2, config, layers: [layer], manifests: [] })).toBe('INVALID_IMAGE')
  })

  it('refuses a type that differs from the delivered one or from the content', () => {
    expect(codeOf(manifest, MEDIA_TYPE.dockerManifest)).toBe('INVALID_IMAGE')
    expect(codeOf(manifest, MEDIA_TYPE.ociIndex)).toBe('INVALID_IMAGE')
    expect(codeOf({ ...manifest, mediaType: MEDIA_TYPE.ociIndex })).toBe('INVALID_IMAGE')
    expect(codeOf({ ...index, mediaType: MEDIA_TYPE.ociManifest })).toBe('INVALID_IMAGE')
  })

  it('says of schema 1 that it is too old', () => {
    expect(codeOf({ schemaVersion: 1, fsLayers: [] })).toBe('UNSUPPORTED')
    expect(codeOf(manifest, 'application/vnd.docker.distribution.manifest.v1+prettyjws')).toBe('UNSUPPORTED')
  })

  it.each([
    ['no schema version', { ...manifest, schemaVersion: undefined }],
    ['no config', { ...manifest, config: undefined }],
    ['no layers', { ...manifest, layers: undefined }],
    ['layers that are no list', { ...manifest, layers: { 0: layer } }],
    ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }],
    ['a fraction of a byte', { ...manifest, layers: [{ ...layer, size: 1.5 }] }],
    ['a size beyond exact numbers', { ...manifest, layers: [{ ...layer, size: 2 ** 60 }] }],
    ['a size as text', { ...manifest, layers: [{ ...layer, size: '20' }] }],
    [
      'a digest that is a path',
      { ...manifest, layers: [{ ...layer, digest: 'sha256:../../../etc/passwd' }] },
    ],
    ['another hash', { ...manifest, layers: [{ ...layer, digest: `sha512:${'ab'.repeat(64)}` }] }],
    ['a digest in capitals', { ...manifest, layers: [{ ...layer, digest: DIGEST.toUpperCase() }] }],
    [
      'a chart',
      { ...manifest, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
    ],
    ['annotations that are no text', { ...manifest, annotations: { a: 1 } }],
    ['a list', [manifest]],
    ['null', null],
  ])('refuses %s', (_, document) => {
    expect(codeOf(document)).toBe('INVALID_IMAGE')
  })

  it('names an unknown layer type, and a foreign layer', () => {
    const withType = (mediaType: string) => () =>
      parseManifest(bytes({ ...manifest, layers: [{ ...layer, mediaType }] }))
    expect(withType('application/x-thing')).toThrow('unknown layer type "application/x-thing"')
    expect(withType('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')).toThrow('foreign layer')
    expect(withType('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip')).toThrow('foreign layer')
  })

  it('refuses what is no JSON, no UTF-8, too deep or too large', () => {
    const refused = (content: Uint8Array) => expect(() => parseManifest(content)).toThrow(BryoError)
    refused(Buffer.from('{'))
    refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))
    refused(Buffer.from('['.repeat(MAX_MANIFEST_SIZE)))
    refused(Buffer.from('{"a":'.repeat(MAX_MANIFEST_SIZE / 8)))
    refused(Buffer.alloc(MAX_MANIFEST_SIZE + 1, 0x20))
  })

  it('gives any JSON a manifest or an error for the user', () => {
    const key = fc.constantFrom(
      'schemaVersion',
      'mediaType',
      'config',
      'layers',
      'manifests',
      'size',
      'digest',
    )
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(2, null, '', DIGEST, MEDIA_TYPE.ociConfig, MEDIA_TYPE.ociLayer, MEDIA_TYPE.ociIndex),
        fc.jsonValue(),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(key, tie('node')),
      ),
    })).node
    fc.assert(
      fc.property(value, (document) => {
        expect(['accepted', 'INVALID_IMAGE', 'UNSUPPORTED']).toContain(codeOf(document))
      }),
      { numRuns: 500 },
    )
  })
})
