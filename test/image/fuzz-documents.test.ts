import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDigest } from '../../src/base/digest.ts'
import { parseChanges } from '../../src/image/changes.ts'
import { parseImageConfig, parseImageDetails } from '../../src/image/config.ts'
import { parseManifest } from '../../src/image/manifest.ts'
import { MEDIA_TYPE } from '../../src/image/mediaTypes.ts'
import { anyText, attempt, damaged, FUZZ, mutated, textOf } from '../support/fuzz.ts'
import { makeImage } from './support/image.ts'

const image = makeImage({
  layers: [Buffer.from('one'), Buffer.from('two')],
  config: {
    Env: ['A=b'],
    Cmd: ['sh'],
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/v': {} },
    Labels: { a: 'b' },
  },
})
const INDEX = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPE.ociIndex,
  manifests: [
    { ...image.manifest, platform: { os: 'linux', architecture: 'amd64' }, annotations: { a: 'b' } },
  ],
}
const encode = (value: unknown) => Buffer.from(JSON.stringify(value) ?? 'undefined')
const documentOf = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString())
const TYPES = [undefined, '', ...Object.values(MEDIA_TYPE), 'text/html']

describe('parseManifest()', () => {
  it.each([
    ['a manifest', documentOf(image.manifestBytes)],
    ['an index', INDEX],
  ])('takes or refuses %s with members changed; what it takes has whole descriptors', (_what, document) => {
    fc.assert(
      fc.property(mutated(document), fc.constantFrom(...TYPES), (value, type) => {
        const parsed = attempt(() => parseManifest(encode(value), type))
        if (!parsed) return
        const descriptors = parsed.kind === 'manifest' ? [parsed.config, ...parsed.layers] : parsed.manifests
        for (const { digest, size } of descriptors) {
          expect(isDigest(digest)).toBe(true)
          expect(Number.isSafeInteger(size) && size >= 0).toBe(true)
        }
      }),
      FUZZ,
    )
  })

  it('takes or refuses any bytes', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged(image.manifestBytes))
    fc.assert(
      fc.property(bytes, (data) => void attempt(() => parseManifest(data))),
      FUZZ,
    )
  })
})

describe('parseImageConfig() and parseImageDetails()', () => {
  it('take or refuse a configuration with members changed; what they take is made of texts', () => {
    fc.assert(
      fc.property(mutated(documentOf(image.configBytes)), (value) => {
        const config = attempt(() => parseImageConfig(encode(value)))
        attempt(() => parseImageDetails(encode(value)))
        if (!config) return
        expect(config.diffIds.every(isDigest)).toBe(true)
        for (const text of [...config.env, ...config.volumes, ...config.exposedPorts])
          expect(typeof text).toBe('string')
      }),
      FUZZ,
    )
  })

  it('take or refuse any bytes', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged(image.configBytes))
    fc.assert(
      fc.property(bytes, (data) => {
        attempt(() => parseImageConfig(data))
        attempt(() => parseImageDetails(data))
      }),
      FUZZ,
    )
  })
})

describe('parseChanges()', () => {
  it('takes or refuses any instructions', () => {
    const words = [
      'CMD',
      'ENV',
      'LABEL',
      'USER',
      'EXPOSE',
      'VOLUME',
      'ENTRYPOINT',
      'WORKDIR',
      'STOPSIGNAL',
      'ONBUILD',
    ]
    const change = fc.oneof(anyText(), textOf([...words, ' ', '=', '"', "'", '\\', '[', ']', ',', '$X', 'a']))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => void attempt(() => parseChanges(changes))),
      FUZZ,
    )
  })
})
