import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { give, type World } from '../../e2e/support/world.ts'
import { type HostileEntry, makeTar } from './tar.ts'

let made = 0

/** An image of busybox with one more layer and this configuration, loaded; gives its name. */
export async function loadHostile(
  world: World,
  entries: readonly HostileEntry[],
  config: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  made += 1
  const name = `localhost/hostile-${made}:latest`
  const layers = [readFileSync(world.archive), makeTar(entries)]
  const document = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  })
  const files = layers.map((layer) => ({ name: `${sha256(layer)}.tar`, data: layer }))
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: files.map((file) => file.name) }]
  const archive = writeArchive(world, [
    { name: 'manifest.json', data: JSON.stringify(manifest) },
    { name: 'config.json', data: document },
    ...files,
  ])
  const ended = await world.bryo(['load', '-i', archive])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return name
}

/** Writes an archive of these entries; gives its path. */
export function writeArchive(world: World, entries: readonly HostileEntry[]): string {
  made += 1
  const path = join(world.makeDirectory('archives'), `${made}.tar`)
  writeFileSync(path, makeTar(entries))
  give(path)
  return path
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
