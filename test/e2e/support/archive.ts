import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

export interface ArchiveChange {
  /** Changes the layer's bytes after its digest was taken. */
  readonly layer?: (bytes: Buffer) => Buffer
  /** Declares another size for the layer. */
  readonly size?: (size: number) => number
}

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Writes an OCI image layout with one gzipped layer into a new directory. */
export function writeOciLayout(
  directory: string,
  layerTar: Buffer,
  name: string,
  change: ArchiveChange = {},
): void {
  const blobs = join(directory, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (mediaType: string, bytes: Buffer, content = bytes, size = bytes.length) => {
    writeFileSync(join(blobs, digestOf(bytes)), content)
    return { mediaType, digest: `sha256:${digestOf(bytes)}`, size }
  }
  const layer = gzipSync(layerTar)
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const config = json({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {
      Env: ['PATH=/bin', 'FROM_IMAGE=yes'],
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['echo default'],
      WorkingDir: '/srv',
      User: 'ana',
      Labels: { a: 'b' },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digestOf(layerTar)}`] },
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: blob('application/vnd.oci.image.config.v1+json', config),
    layers: [
      blob(
        'application/vnd.oci.image.layer.v1.tar+gzip',
        layer,
        change.layer?.(layer),
        change.size?.(layer.length),
      ),
    ],
  })
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const entry = blob('application/vnd.oci.image.manifest.v1+json', manifest)
  const annotations = { 'org.opencontainers.image.ref.name': name }
  writeFileSync(
    join(directory, 'index.json'),
    json({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  )
}

/** Writes what `docker save` writes. */
export function writeDockerArchive(archive: string, layerTar: Buffer, name: string): void {
  const directory = `${archive}.d`
  mkdirSync(directory)
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['cat', '/etc/greeting'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digestOf(layerTar)}`] },
  })
  const configName = `${digestOf(Buffer.from(config))}.json`
  writeFileSync(join(directory, configName), config)
  writeFileSync(join(directory, 'layer.tar'), layerTar)
  writeFileSync(
    join(directory, 'manifest.json'),
    JSON.stringify([{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }]),
  )
  packDirectory(directory, archive)
}

export function packDirectory(directory: string, archive: string): void {
  execFileSync('tar', ['-C', directory, '-cf', archive, '.'])
}
