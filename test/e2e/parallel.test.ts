import { afterAll, describe, expect, it } from 'vitest'
import { PATIENCE } from './support/patience.ts'
import { startRegistry } from './support/registry.ts'
import { openWorld } from './support/world.ts'

const world = await openWorld({ image: false })
const { bryo } = world
const registry = await startRegistry(world)
afterAll(async () => registry?.close())
const AT_ONCE = 20
const NO_NETWORK = ['--network', 'none']

/** Each is called as many times at once; all ends. */
async function atOnce(...calls: readonly (readonly string[])[]) {
  const many = Array.from({ length: AT_ONCE }, (_, index) => calls[index % calls.length] ?? [])
  return Promise.all(many.map((args) => bryo(args, { timeoutMs: 120_000 })))
}

const codes = (ends: readonly { readonly code: number }[]) => [...new Set(ends.map(({ code }) => code))]

describe(`${AT_ONCE} commands at once on one store`, () => {
  it('make one store where there is none, its parents too', { timeout: 120_000 * PATIENCE }, async () => {
    for (let round = 0; round < 5; round++) {
      const root = ['--root', `${world.work}/new-${round}/a/data`]
      const ends = await atOnce([...root, 'images', '-q'], [...root, 'volume', 'create'])
      expect(codes(ends), ends.map(({ stderr }) => stderr).join('')).toEqual([0])
    }
  })

  it('load an archive while others prune: all have it', { timeout: 180_000 * PATIENCE }, async () => {
    const archive = `${world.work}/image.tar`
    await bryo(['import', world.archive, 'localhost/one:1'])
    await bryo(['save', '-o', archive, 'localhost/one:1'])
    await bryo(['rmi', '-f', 'localhost/one:1'])
    const ends = await atOnce(['load', '-q', '-i', archive], ['system', 'prune', '-f'])
    expect(codes(ends), ends.map(({ stderr }) => stderr).join('')).toEqual([0])
    expect(await bryo(['run', '--rm', ...NO_NETWORK, 'one:1', 'cat', '/etc/greeting'])).toMatchObject({
      code: 0,
      stdout: 'hello from the image\n',
    })
  })

  it.runIf(registry)(
    'pull one image and run it while others remove and prune (skipped without docker-registry)',
    { timeout: 240_000 * PATIENCE },
    async () => {
      const name = `${registry?.host}/many/app:1`
      await registry?.push('many/app', '1', world.archive)
      const pull = ['pull', '-q', '--tls-verify=false', name]
      const first = await atOnce(pull)
      expect(codes(first), first.map(({ stderr }) => stderr).join('')).toEqual([0])
      expect(new Set(first.map(({ stdout }) => stdout)).size).toBe(1)
      const run = ['run', '--rm', '-q', '--tls-verify=false', ...NO_NETWORK, name, 'cat', '/etc/greeting']
      const ends = await atOnce(run, pull, ['rmi', '-i', name], ['image', 'prune', '-af'], run)
      for (const [index, ended] of ends.entries()) {
        // One that is just being used may not be removed; everything else works, or says that the image went meanwhile.
        const isRun = index % 5 === 0 || index % 5 === 4
        if (isRun && ended.code === 0) expect(ended.stdout).toBe('hello from the image\n')
        if (ended.code !== 0)
          expect(ended.stderr, ended.stderr).toMatch(/in use|image not known|removed while|not in the store/)
        expect(ended.stderr).not.toMatch(/fault of bryo/)
      }
      expect(await bryo(run)).toMatchObject({ code: 0, stdout: 'hello from the image\n' })
    },
  )

  it('save while others remove the image: each archive is whole, or there is none', {
    timeout: 180_000 * PATIENCE,
  }, async () => {
    await bryo(['import', world.archive, 'localhost/gone:1'])
    const saves = Array.from({ length: 10 }, (_, index) => [
      'save',
      '-o',
      `${world.work}/s${index}`,
      'gone:1',
    ])
    const ends = await Promise.all(
      [...saves, ['rmi', 'gone:1'], ['image', 'prune', '-af']].map((args) => bryo(args)),
    )
    for (const [index, ended] of ends.slice(0, saves.length).entries()) {
      if (ended.code !== 0) expect(ended.stderr).toContain('image not known')
      else expect(await bryo(['load', '-q', '-i', `${world.work}/s${index}`])).toMatchObject({ code: 0 })
    }
    expect(await bryo(['system', 'check'])).toMatchObject({ code: 0 })
  })
})
