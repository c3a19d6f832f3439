import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../../src/base/digest.ts'
import { type CommittedConfig, committedConfig } from '../../../src/engine/container/commit/config.ts'
import { imageDocument, imageManifest, layerType } from '../../../src/engine/container/commit/document.ts'
import { EMPTY_REQUEST } from '../../support/request.ts'

const image = {
  architecture: 'amd64',
  os: 'linux',
  env: ['PATH=/bin', 'KEEP=1', 'DROP=1'],
  entrypoint: ['/entry'],
  cmd: ['run'],
  workingDir: '/w',
  user: 'ana',
  volumes: ['/declared'],
  exposedPorts: ['80/tcp'],
  labels: { from: 'image' },
  diffIds: [],
}
const parts: CommittedConfig = {
  request: EMPTY_REQUEST,
  volumes: [],
  image,
  raw: { Healthcheck: { Test: ['NONE'] }, OnBuild: ['RUN old'] },
  changes: {},
  includeVolumes: false,
}

describe('committedConfig()', () => {
  it('keeps what the image says where the container was told nothing else', () => {
    expect(committedConfig(parts)).toEqual({
      Healthcheck: { Test: ['NONE'] },
      OnBuild: ['RUN old'],
      Entrypoint: ['/entry'],
      Cmd: ['run'],
      Env: ['PATH=/bin', 'KEEP=1', 'DROP=1'],
      Labels: { from: 'image' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/declared': {} },
      WorkingDir: '/w',
      User: 'ana',
    })
  })

  it('puts the container’s settings over the image’s, and the changes over both', () => {
    const request = {
      ...EMPTY_REQUEST,
      env: ['A=1', 'KEEP=2'],
      unsetEnv: ['DROP'],
      command: ['own'],
      workdir: '/x',
      user: '7',
      labels: { own: 'y' },
      publish: ['127.0.0.1:8080:90-91/udp', '8443:443'],
      stopSignal: 'SIGINT',
    }
    const changes = { Env: ['A=3'], Labels: { own: 'z' }, OnBuild: ['RUN new'], User: '8' }
    expect(committedConfig({ ...parts, request, changes })).toMatchObject({
      Env: ['PATH=/bin', 'KEEP=2', 'A=3'],
      Cmd: ['own'],
      WorkingDir: '/x',
      User: '8',
      Labels: { from: 'image', own: 'z' },
      ExposedPorts: { '80/tcp': {}, '90/udp': {}, '91/udp': {}, '443/tcp': {} },
      OnBuild: ['RUN old', 'RUN new'],
      StopSignal: 'SIGINT',
    })
  })

  it('has no command left where the entrypoint is a new one', () => {
    const own = { ...EMPTY_REQUEST, entrypoint: ['/own'] }
    expect(committedConfig({ ...parts, request: own })).not.toHaveProperty('Cmd')
    expect(committedConfig({ ...parts, changes: { Entrypoint: ['/e'] } })).not.toHaveProperty('Cmd')
  })

  it('declares volumes without a name, and all of them where they are asked for', () => {
    const request = {
      ...EMPTY_REQUEST,
      mounts: [
        { type: 'volume', target: '/anon', options: [] },
        { type: 'volume', name: 'n', target: '/named', options: [] },
        { type: 'bind', source: '/s', target: '/bound', options: [] },
      ],
    } as const
    const volumes = [
      { name: 'x', target: '/anon', options: [], anonymous: true },
      { name: 'n', target: '/named', options: [], anonymous: false },
    ]
    const declared = (includeVolumes: boolean) =>
      Object.keys(Object(committedConfig({ ...parts, request, volumes, includeVolumes }).Volumes))
    expect(declared(false)).toEqual(['/declared', '/anon'])
    expect(declared(true)).toEqual(['/declared', '/anon', '/named', '/bound'])
  })
})

describe('imageDocument()', () => {
  const digest = parseDigest(`sha256:${'a'.repeat(64)}`)
  const common = {
    config: {},
    diffIds: [digest],
    created: '2026-01-01T00:00:00Z',
    createdBy: 'sh',
    author: 'Ana',
    message: 'why',
    format: 'oci',
  } as const

  it('adds to the history of the image below', () => {
    const base = { architecture: 'arm64', os: 'linux', variant: 'v8', history: [{ created_by: 'old' }] }
    expect(imageDocument({ ...common, base })).toMatchObject({
      architecture: 'arm64',
      variant: 'v8',
      rootfs: { type: 'layers', diff_ids: [digest] },
      history: [{ created_by: 'old' }, { created_by: 'sh', author: 'Ana', comment: 'why' }],
    })
  })

  it('has the remark in Docker’s own place too', () => {
    expect(imageDocument({ ...common, base: undefined, format: 'docker' })).toMatchObject({ comment: 'why' })
    expect(imageDocument({ ...common, base: undefined })).not.toHaveProperty('comment')
  })

  it.each([
    [
      'docker',
      'application/vnd.oci.image.layer.v1.tar+gzip',
      'application/vnd.docker.image.rootfs.diff.tar.gzip',
    ],
    [
      'oci',
      'application/vnd.docker.image.rootfs.diff.tar.gzip',
      'application/vnd.oci.image.layer.v1.tar+gzip',
    ],
    ['oci', 'application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.v1.tar'],
    ['docker', 'application/vnd.oci.image.layer.v1.tar', 'application/vnd.docker.image.rootfs.diff.tar'],
  ] as const)('names layers in the words of %s: %s', (format, given, expected) => {
    expect(layerType(format, given)).toBe(expected)
    const layer = { mediaType: given, digest, size: 1 }
    expect(imageManifest(format, { digest, size: 2 }, [layer])).toMatchObject({
      layers: [{ ...layer, mediaType: expected }],
    })
  })
})
