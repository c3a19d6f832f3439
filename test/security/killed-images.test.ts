import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processesOf } from '../e2e/support/leftovers.ts'
import { startRegistry } from '../e2e/support/registry.ts'
import { give, IMAGE, openWorld } from '../e2e/support/world.ts'

const world = await openWorld()
const { bryo } = world
const registry = await startRegistry(world)
const host = registry?.host ?? ''
const out = world.makeDirectory('out')
const KILLS = 12

interface Killed {
  readonly what: string
  /** Every call works anew; a number that no other call has. */
  readonly args: (call: number) => readonly string[]
  /** What it writes outside of the store: there as a whole, or not at all. */
  readonly file?: (call: number) => string
  readonly needsRegistry?: boolean
}

const COMMANDS: readonly Killed[] = [
  {
    what: 'pull',
    args: (call) => ['pull', '-q', '--tls-verify=false', `${host}/pulled${call}:1`],
    needsRegistry: true,
  },
  {
    what: 'push',
    args: (call) => ['push', '-q', '--tls-verify=false', IMAGE, `${host}/pushed${call}:1`],
    needsRegistry: true,
  },
  {
    what: 'manifest push',
    args: (call) => [
      'manifest',
      'push',
      '-q',
      '--tls-verify=false',
      'list',
      `docker://${host}/list${call}:1`,
    ],
    needsRegistry: true,
  },
  {
    what: 'image copy from a registry',
    args: (call) => [
      ...['image', 'copy', '-q', '--src-tls-verify=false'],
      ...[`docker://${host}/pulled0:1`, `oci-archive:${out}/copy${call}`],
    ],
    file: (call) => `${out}/copy${call}`,
    needsRegistry: true,
  },
  { what: 'load', args: () => ['load', '-q', '-i', `${out}/archive`] },
  {
    what: 'save',
    args: (call) => ['save', '-q', '-o', `${out}/saved${call}`, IMAGE],
    file: (call) => `${out}/saved${call}`,
  },
  {
    what: 'image bootstrap',
    args: (call) => ['image', 'bootstrap', '-q', `${world.work}/other.tar`, `localhost/made${call}:1`],
  },
]

beforeAll(async () => {
  // A layer that no image has that stays.
  const layer = `${world.work}/other.tar`
  writeFileSync(`${world.rootfs}/other`, randomBytes(1 << 20))
  execFileSync('tar', ['-C', world.rootfs, '--owner=0', '--group=0', '-cf', layer, '.'])
  give(world.work)
  for (let call = 0; call <= KILLS; call++) await registry?.push(`pulled${call}`, '1', layer)
  expect(await bryo(['import', layer, 'localhost/loaded1:1'])).toMatchObject({ code: 0 })
  expect(await bryo(['save', '-q', '-o', `${out}/archive`, 'localhost/loaded1:1'])).toMatchObject({ code: 0 })
  expect(await bryo(['manifest', 'create', 'list', IMAGE])).toMatchObject({ code: 0 })
})
afterAll(() => registry?.close())

describe.each(COMMANDS)('$what, killed', ({ args, file, needsRegistry }) => {
  it.skipIf(needsRegistry && !registry)(
    `at ${KILLS} moments leaves a store that heals, and works the next time`,
    async () => {
      const before = performance.now()
      expect(await bryo(args(0))).toMatchObject({ code: 0 })
      const lastedMs = performance.now() - before
      for (let call = 1; call <= KILLS; call++) {
        await forgetOthers()
        const command = world.start(args(call))
        // Not a wait for anything: the moment is what varies.
        await setTimeout((call * lastedMs) / KILLS)
        command.kill('SIGKILL')
        await command.ended
        const written = file?.(call)
        if (written && existsSync(written))
          expect(await bryo(['load', '-q', '-i', written])).toMatchObject({ code: 0 })
      }
      expect(await bryo(args(KILLS))).toMatchObject({ code: 0 })
      expect(await bryo(['system', 'check']), 'system check').toMatchObject({ code: 0 })
      await expect.poll(() => processesOf(world.directory), { timeout: 5000, interval: 20 }).toEqual([])
      expect(world.listing().filter((path) => /^data\/(?:pending|tmp)\//.test(path))).toEqual([])
      const names = readdirSync(out).filter((name) => !/^(?:archive|copy\d+|saved\d+)$/.test(name))
      expect(names).toEqual([])
    },
  )
})

/** So that there is something to do; the image of all tests and its list stay. */
async function forgetOthers(): Promise<void> {
  const listed = await bryo(['images', '--format', '{{.Repository}}:{{.Tag}}'])
  const others = listed.stdout.split('\n').filter((name) => /\/(?:pulled|loaded|made)\d+:1$/.test(name))
  if (others.length > 0) await bryo(['rmi', '--force', ...others])
}
