import type { Digest } from '../../../src/base/brand.ts'
import { parseDigest } from '../../../src/base/digest.ts'
import type { ContainerRequest } from '../../../src/storage/container/create.ts'
import type { ImageRecord } from '../../../src/storage/image/record.ts'

/** A digest that is as good as any: `digest('a')` is sha256:aaaa... */
export function digest(hexDigit: string): Digest {
  return parseDigest(`sha256:${hexDigit.repeat(64)}`)
}

export function imageRecord(hexDigit: string, changes: Partial<ImageRecord> = {}): ImageRecord {
  return {
    id: digest(hexDigit),
    manifestDigest: digest(hexDigit),
    manifestMediaType: 'application/vnd.oci.image.manifest.v1+json',
    names: [],
    repoDigests: [],
    created: '2026-01-02T03:04:05Z',
    size: 10,
    layers: [],
    otherBlobs: [],
    config: {
      architecture: 'amd64',
      os: 'linux',
      env: ['A=1'],
      entrypoint: [],
      cmd: ['sh'],
      workingDir: '/',
      user: '',
      volumes: [],
      exposedPorts: [],
      labels: { maintainer: 'me' },
      diffIds: [],
    },
    ...changes,
  }
}

export function containerRequest(changes: Partial<ContainerRequest> = {}): ContainerRequest {
  return {
    created: '2026-01-02T03:04:05Z',
    layers: [],
    command: ['sh'],
    volumes: [],
    anonymousVolumes: [],
    autoRemove: false,
    config: {},
    durable: false,
    ...changes,
  }
}
