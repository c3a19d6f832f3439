import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { World } from '../../e2e/support/world.ts'
import { type Handler, startServer, type TestServer } from '../../image/support/registry.ts'
import { sha256 } from './image.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'

export interface Answer {
  readonly type?: string
  readonly data: string | Uint8Array
}

/** What an honest registry would serve of the busybox image as `app:latest`, by path. */
export interface HonestImage {
  readonly manifest: Readonly<Record<string, unknown>>
  readonly answers: ReadonlyMap<string, Answer>
}

export function honestImage(world: World): HonestImage {
  const layer = readFileSync(world.archive)
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['cat', '/etc/greeting'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  })
  const describe = (mediaType: string, data: string | Uint8Array) => ({
    mediaType,
    digest: `sha256:${sha256(data)}`,
    size: Buffer.byteLength(data),
  })
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describe(OCI_CONFIG, config),
    layers: [describe(OCI_LAYER, layer)],
  }
  const answers = new Map<string, Answer>([
    [manifestPath('latest'), { type: OCI_MANIFEST, data: JSON.stringify(manifest) }],
    ...[config, layer].map((data) => [blobPath(data), { data }] as const),
  ])
  return { manifest, answers }
}

export function manifestPath(reference: string): string {
  return `/v2/app/manifests/${reference}`
}

export function blobPath(data: string | Uint8Array): string {
  return `/v2/app/blobs/sha256:${sha256(data)}`
}

export function answer(response: ServerResponse, found: Answer | undefined): void {
  if (!found) {
    response.writeHead(404).end('{}')
    return
  }
  response.writeHead(200, { 'content-type': found.type ?? 'application/octet-stream' }).end(found.data)
}

/** Serves the answers, but for what `hostile` deals with: it gives true then. */
export function serveImage(
  answers: ReadonlyMap<string, Answer>,
  hostile: (...parameters: Parameters<Handler>) => boolean = () => false,
  address = '127.0.0.1',
): Promise<TestServer> {
  return startServer((request, response) => {
    if (!hostile(request, response)) answer(response, answers.get(request.url ?? ''))
  }, address)
}
