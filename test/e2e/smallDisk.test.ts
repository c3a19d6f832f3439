import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry } from './support/registry.ts'
import { RUNS_AS_ROOT, TEST_USER } from './support/user.ts'
import { BRYO, give, openWorld } from './support/world.ts'

const unused = !RUNS_AS_ROOT
const world = await openWorld({ image: false, unused })
const registry = unused ? undefined : await startRegistry(world)
const disk = unused ? '' : world.makeDirectory('disk')
const store = `${disk}/store`
const MIB = 1024 * 1024
const SIZE = 24 * MIB
const bryo = (...args: readonly string[]) => world.bryo(['--root', store, ...args])
const stored = () =>
  ['blobs/sha256', 'layers', 'images', 'partial', 'tmp', 'pending'].flatMap((name) =>
    readdirSync(`${store}/${name}`),
  )
const FULL = /Error: cannot .*(?:filesystem is full|are free), expected room for more\n.*bryo system prune/

describe.skipIf(unused)('a store on a small disk (skipped without root, who mounts one)', () => {
  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},uid=${TEST_USER.uid},mode=755`, 'tmpfs', disk])
    writeFileSync(`${world.rootfs}/large`, Buffer.alloc(30 * MIB, 'not a hole '))
    execFileSync('tar', ['-C', world.rootfs, '--owner=0', '--group=0', '-cf', `${world.work}/large.tar`, '.'])
    await world.bryo(['import', `${world.work}/large.tar`, 'localhost/large:1'])
    await world.bryo(['save', '-o', `${world.work}/large-image.tar`, 'localhost/large:1'])
    await registry?.push('large', '1', `${world.work}/large.tar`)
    give(world.work)
  }, 120_000)
  afterAll(async () => {
    await bryo('rm', '-af')
    await registry?.close()
    execFileSync('umount', [disk])
  })

  it.each([
    ['import', ['import', `${world.work}/large.tar`, 'localhost/large:1']],
    ['load', ['load', '-q', '-i', `${world.work}/large-image.tar`]],
    ['load from a pipe', ['load', '-q']],
    ['image bootstrap', ['image', 'bootstrap', '-q', `${world.work}/large.tar`, 'localhost/large:1']],
    ['pull', ['pull', '-q', '--tls-verify=false', `${registry?.host}/large:1`]],
    [
      'image copy',
      [
        'image',
        'copy',
        '-q',
        '--src-tls-verify=false',
        `docker://${registry?.host}/large:1`,
        'localhost/large:1',
      ],
    ],
  ])('%s says so, leaves nothing, and a small image still fits', async (what, args) => {
    if (args.some((word) => word.includes('undefined'))) return
    const ended =
      what === 'load from a pipe'
        ? await world.command([
            'sh',
            '-c',
            `cat "$1" | "$2" --root "$3" load -q`,
            '-',
            `${world.work}/large-image.tar`,
            BRYO,
            store,
          ])
        : await bryo(...args)
    expect(ended.code).toBe(125)
    expect(ended.stderr).toMatch(
      what === 'load from a pipe' ? /expected room for more|bytes that are free/ : FULL,
    )
    expect(stored()).toEqual([])
    expect(await bryo('import', world.archive, 'localhost/small:1')).toMatchObject({ code: 0 })
    expect(await bryo('run', '--rm', '--network', 'none', 'small:1', 'echo', 'fits')).toMatchObject({
      stdout: 'fits\n',
    })
    expect(await bryo('rmi', 'small:1')).toMatchObject({ code: 0 })
  })

  it('commit says so, and the container and its image stay as they were', async () => {
    await bryo('import', world.archive, 'localhost/small:1')
    const before = stored()
    const script = 'head -c 9000000 /dev/urandom > /random'
    expect(
      await bryo('run', '--name', 'writer', '--network', 'none', 'small:1', 'sh', '-c', script),
    ).toMatchObject({
      code: 0,
    })
    const ended = await bryo('commit', '-q', 'writer', 'localhost/committed:1')
    expect(ended.code).toBe(125)
    expect(ended.stderr).toMatch(FULL)
    expect(stored()).toEqual(before)
    expect((await bryo('diff', 'writer')).stdout).toContain('A /random')
    await bryo('rm', 'writer')
    expect(await bryo('rmi', 'small:1')).toMatchObject({ code: 0 })
  })

  it('keeps the exit code of containers that end while it is full', async () => {
    await bryo('import', world.archive, 'localhost/small:1')
    const wait = 'while [ ! -e /go ]; do sleep 0.05; done; exit 7'
    for (const [name, ...more] of [['ends'], ['stopped'], ['again', '--restart', 'on-failure:2']] as const) {
      const run = ['run', '-d', '--name', name, '--network', 'none', ...more, 'small:1', 'sh', '-c', wait]
      expect(await bryo(...run)).toMatchObject({ code: 0, stderr: '' })
    }
    // Files without a block still fit.
    // fuse-overlayfs tells of a full disk only when the data has to be there.
    const fill = 'dd if=/dev/zero of=/fill bs=64k count=1000 conv=fsync; : > /go'
    expect((await bryo('exec', 'ends', 'sh', '-c', fill)).stderr).toContain('No space left')
    expect(await bryo('wait', 'ends')).toMatchObject({ code: 0, stdout: '7\n' })
    expect(await bryo('stop', '--time', '0', 'stopped', 'again')).toMatchObject({ code: 0, stderr: '' })
    const fields = [
      'inspect',
      '--format',
      '{{.State.Status}} {{.State.ExitCode}}',
      'ends',
      'stopped',
      'again',
    ]
    expect(await bryo(...fields)).toMatchObject({ stdout: 'exited 7\nexited 137\nexited 137\n' })
    expect(await bryo('rm', '--all')).toMatchObject({ code: 0 })
    expect(await bryo('rmi', 'small:1')).toMatchObject({ code: 0 })
  })

  const target = `${disk}/saved`
  it.each([
    ['save', ['save', '-o', target, 'localhost/large:1']],
    ['save of a directory', ['save', '--format', 'oci-dir', '-o', target, 'localhost/large:1']],
    ['image copy', ['image', 'copy', '-q', 'localhost/large:1', `oci-archive:${target}`]],
    ['image copy to a directory', ['image', 'copy', '-q', 'localhost/large:1', `oci:${target}`]],
  ])('%s to a full disk leaves nothing', async (_, args) => {
    const ended = await world.bryo(args)
    expect(ended.code).toBe(125)
    expect(ended.stderr).toMatch(/filesystem is full/)
    expect(statSync(target, { throwIfNoEntry: false })).toBeUndefined()
    expect(readdirSync(disk)).toEqual(['store'])
  })

  it('push says so where it has no room to compress, and works when there is some', async () => {
    if (!registry) return
    await bryo('import', world.archive, 'localhost/small:1')
    const before = stored()
    const fill = `${disk}/fill`
    // What is left of the room after it is less than a layer takes.
    execFileSync('sh', ['-c', 'dd if=/dev/zero of="$1" bs=64k 2>/dev/null || true', '-', fill])
    const push = ['push', '-q', '--tls-verify=false', 'small:1', `${registry.host}/pushed:1`]
    const ended = await bryo(...push)
    expect(ended.code).toBe(125)
    expect(ended.stderr).toMatch(/filesystem is full.*expected room for more\n.*bryo system prune/)
    expect(stored()).toEqual(before)
    rmSync(fill)
    expect(await bryo(...push)).toMatchObject({ code: 0 })
    expect(await bryo('rmi', 'small:1')).toMatchObject({ code: 0 })
  })
})
