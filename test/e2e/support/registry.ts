import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCommand } from './command.ts'
import { freePort } from './server.ts'
import { give, PATH, type World } from './world.ts'

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** Pushes an image of one layer as NAME:TAG; gives the manifest's digest. */
  readonly push: (repository: string, tag: string, layerArchive: string) => Promise<string>
  readonly close: () => Promise<void>
}

/** Starts Debian's docker-registry on the loopback; undefined where it is not installed. */
export async function startRegistry(world: World): Promise<Registry | undefined> {
  if ((await world.command(['sh', '-c', 'command -v docker-registry'])).code !== 0) return undefined
  // Not the world's: it is no leftover of what is tested.
  const directory = mkdtempSync(join(process.env.BRYO_TEST_TMP ?? tmpdir(), 'registry-'))
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  writeFileSync(
    `${directory}/config.yml`,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${directory}/data } }\nhttp: { addr: '${host}' }\n`,
    { mode: 0o644 },
  )
  give(directory)
  const server = startCommand(['docker-registry', 'serve', `${directory}/config.yml`], {
    env: { PATH },
    cwd: directory,
    timeoutMs: 300_000,
  })
  await answering(`http://${host}/v2/`)
  const base = `http://${host}/v2`
  return {
    host,
    push: (repository, tag, layerArchive) => push(`${base}/${repository}`, tag, readFileSync(layerArchive)),
    close: async () => {
      server.kill('SIGTERM')
      await server.ended
      rmSync(directory, { recursive: true })
    },
  }
}

async function answering(url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      if ((await fetch(url)).ok) return
    } catch (error) {
      if (attempt > 1000) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push */
async function push(repository: string, tag: string, layer: Uint8Array): Promise<string> {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Cmd: ['cat', '/etc/greeting'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  )
  const blob = async (mediaType: string, bytes: Uint8Array) => {
    const digest = digestOf(bytes)
    const started = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' })
    const location = new URL(started.headers.get('location') ?? '', repository)
    location.searchParams.set('digest', digest)
    const headers = { 'content-type': 'application/octet-stream' }
    const done = await fetch(location, { method: 'PUT', headers, body: Buffer.from(bytes) })
    if (done.status !== 201) throw new Error(`upload to the registry: ${done.status} ${await done.text()}`)
    return { mediaType, digest, size: bytes.length }
  }
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: await blob('application/vnd.oci.image.config.v1+json', config),
      layers: [await blob('application/vnd.oci.image.layer.v1.tar', layer)],
    }),
  )
  const url = `${repository}/manifests/${tag}`
  const put = await fetch(url, { method: 'PUT', headers: { 'content-type': mediaType }, body: manifest })
  if (put.status !== 201) throw new Error(`push to the registry: ${put.status} ${await put.text()}`)
  return digestOf(manifest)
}
