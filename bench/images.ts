import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Host } from './host.ts'

/** A root of busybox alone, unpacked and as an archive. */
export function makeBusyboxRoot(host: Host): { readonly directory: string; readonly archive: string } {
  const directory = join(host.base, 'busybox')
  for (const path of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys'])
    mkdirSync(join(directory, path), { recursive: true })
  const busybox = host.find('busybox')
  if (busybox === undefined) throw new Error('there is no busybox: run scripts/setup --dev')
  copyFileSync(busybox, join(directory, 'bin/busybox'))
  for (const applet of ['sh', 'true', 'cat', 'echo', 'head', 'id', 'sleep', 'yes'])
    symlinkSync('busybox', join(directory, 'bin', applet))
  writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  const archive = `${directory}.tar`
  tar(['-C', directory, '--owner=0', '--group=0', '-cf', archive, '.'])
  return { directory, archive }
}

export interface LayeredImage {
  /** An OCI directory. */
  readonly layout: string
  /** The same as an archive. */
  readonly archive: string
  readonly megabytes: number
  readonly files: number
}

const SOURCES = ['/usr/lib', '/usr/share', '/usr/bin']

/** An image of three layers made of this machine's own files. @param megabytes of each layer, unpacked */
export function makeLayeredImage(host: Host, megabytes: number): LayeredImage {
  let files = 0
  const layers = SOURCES.map((source) => {
    const names = pickFiles(source, megabytes * 1_000_000)
    files += names.length
    return packFiles(host, names)
  })
  return { ...writeImage(join(host.base, 'layered'), 'localhost/layered:latest', layers), files }
}

const FILES_IN_SMALL_LAYER = 20

/** An image of many layers with a few small files each. */
export function makeSmallLayersImage(host: Host, count: number): LayeredImage {
  const layers = Array.from({ length: count }, (_, index) => {
    const directory = join(host.base, `small/layer${index}`)
    mkdirSync(directory, { recursive: true })
    for (let file = 0; file < FILES_IN_SMALL_LAYER; file++)
      writeFileSync(join(directory, `file${file}`), `layer ${index}, file ${file}\n`.repeat(250))
    const archive = join(host.base, 'layer.tar')
    tar(['-C', join(host.base, 'small'), '--owner=0', '--group=0', '-cf', archive, `layer${index}`])
    return readFileSync(archive)
  })
  const image = writeImage(join(host.base, 'small-layers'), 'localhost/small-layers:latest', layers)
  return { ...image, files: count * FILES_IN_SMALL_LAYER }
}

/** Writes an OCI directory and the same as an archive. */
function writeImage(layout: string, name: string, archives: readonly Buffer[]): Omit<LayeredImage, 'files'> {
  const blobs = join(layout, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const add = (mediaType: string, bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const layers = archives.map((plain) => ({
    diffId: `sha256:${createHash('sha256').update(plain).digest('hex')}`,
    blob: add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(plain)),
  }))
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: add('application/vnd.oci.image.config.v1+json', json(config)),
    layers: layers.map(({ blob }) => blob),
  }
  const entry = {
    ...add('application/vnd.oci.image.manifest.v1+json', json(manifest)),
    annotations: { 'org.opencontainers.image.ref.name': name },
  }
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [entry] }))
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const archive = `${layout}.tar`
  tar(['-C', layout, '-cf', archive, '.'])
  const bytes = archives.reduce((sum, plain) => sum + plain.length, 0)
  return { layout, archive, megabytes: Math.round(bytes / 1e6) }
}

/** Files that everybody may read, one after the other until there are enough bytes. */
function pickFiles(directory: string, limit: number): readonly string[] {
  const found = spawnSync(
    'find',
    [directory, '-xdev', '-type', 'f', '-perm', '-004', '-size', '-8000k', '-printf', '%s %p\\n'],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  )
  const picked: string[] = []
  let bytes = 0
  for (const line of found.stdout.split('\n')) {
    if (bytes >= limit) break
    const [, size, path] = /^(\d+) (\/.*)$/.exec(line) ?? []
    if (path === undefined) continue
    picked.push(path)
    bytes += Number(size)
  }
  return picked
}

function packFiles(host: Host, names: readonly string[]): Buffer {
  const list = join(host.base, 'list')
  const archive = join(host.base, 'layer.tar')
  writeFileSync(list, names.map((name) => `${name.slice(1)}\n`).join(''))
  tar(['-C', '/', '--owner=0', '--group=0', '--verbatim-files-from', '-T', list, '-cf', archive])
  chmodSync(archive, 0o644)
  return readFileSync(archive)
}

function tar(args: readonly string[]): void {
  const { status, stderr } = spawnSync('tar', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tar ${args.join(' ')}: ${stderr}`)
}
