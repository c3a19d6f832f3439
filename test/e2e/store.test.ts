import { describe, expect, it } from 'vitest'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const lines = async (...args: readonly string[]) => {
  const ended = await bryo(args)
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trimEnd().split('\n')
}

/** A container's changes as an image; without a name where none is given. */
async function commit(image: string, name: string | undefined, ...flags: readonly string[]): Promise<string> {
  const [container = ''] = await lines('create', image, 'true')
  const [id = ''] = await lines('commit', '-q', ...flags, container, ...(name === undefined ? [] : [name]))
  await lines('rm', container)
  return id
}

describe('images, history and tree', () => {
  it('tell what an image was made of', async () => {
    const middle = await commit(IMAGE, undefined, '-m', 'the first step')
    const top = await commit(middle, 'localhost/top:1', '-m', 'the second')
    expect(await lines('images', '-q', '--no-trunc')).not.toContain(`sha256:${middle}`)
    expect(await lines('images', '-aq', '--no-trunc')).toContain(`sha256:${middle}`)
    expect(await lines('images', '-aq', '--no-trunc', '-f', 'intermediate=true')).toEqual([
      `sha256:${middle}`,
    ])
    expect(await lines('inspect', '--format', '{{.Parent}}', top)).toEqual([middle])
    const steps = await lines('history', '--no-trunc', '--format', '{{.ID}} {{.Comment}}', 'localhost/top:1')
    expect(steps.slice(0, 2)).toEqual([`${top} the second`, `${middle} the first step`])
    expect(steps).toHaveLength(3)
    expect((await lines('history', 'top:1'))[0]).toMatch(/^ID +CREATED +CREATED BY +SIZE +COMMENT$/)
    const sizes = await lines('history', '--human=false', '--format', '{{.Size}}', 'top:1')
    expect(sizes.slice(0, 2)).toEqual(['0', '0'])
    expect(Number(sizes[2])).toBeGreaterThan(1_000_000)
    const tree = await lines('image', 'tree', 'top:1')
    expect(tree.at(-1)).toMatch(/^└── ID: [0-9a-f]{12} Size: .*Top Layer of: \[localhost\/top:1\]$/)
    expect((await lines('image', 'tree', '--whatrequires', IMAGE)).join()).toContain('localhost/top:1')
    // The image in the middle goes with the last one that was made of it.
    expect(await lines('rmi', 'localhost/top:1')).toEqual([
      'Untagged: localhost/top:1',
      `Deleted: ${top}`,
      `Deleted: ${middle}`,
    ])
  })

  it('--no-prune keeps what an image was made of', async () => {
    const middle = await commit(IMAGE, undefined)
    await commit(middle, 'localhost/kept:1')
    await lines('rmi', '--no-prune', 'localhost/kept:1')
    expect(await lines('images', '-q', '--no-trunc', '-f', 'dangling=true')).toEqual([`sha256:${middle}`])
    expect(await lines('image', 'prune', '-f')).toEqual([middle])
  })

  it('know names that were, sizes that are shared, and who uses an image', async () => {
    await lines('tag', IMAGE, 'localhost/once:1')
    await lines('untag', IMAGE, 'localhost/once:1')
    expect((await lines('images', '--history'))[1]).toContain('localhost/once:1')
    const [container = ''] = await lines('create', IMAGE, 'true')
    await commit(IMAGE, 'localhost/more:1')
    const [found] = JSON.parse((await bryo(['images', '--format', 'json', 'busybox'])).stdout)
    expect(found).toMatchObject({ Containers: 1, UniqueSize: 0, SharedSize: found.Size })
    expect(await lines('images', '-f', 'containers=true', '--format', '{{.Names}}')).toEqual([`[${IMAGE}]`])
    await lines('rm', container)
    await lines('rmi', 'localhost/more:1')
    const alone = await lines('images', '--format', '{{.UniqueSize}} {{.Size}}', 'busybox')
    expect(alone[0]?.split(' ')[0]).toBe(alone[0]?.split(' ')[1])
    expect((await bryo(['images', '-f', 'until=1h', '-q'])).stdout).toBe('')
    expect((await bryo(['images', '-f', 'nope=1'])).code).toBe(125)
  })

  it('find an image by the digest of its manifest', async () => {
    const [digest] = await lines('inspect', '--format', '{{.Digest}}', IMAGE)
    const pinned = `localhost/busybox@${digest}`
    expect(await lines('inspect', '--format', '{{.RepoDigests}}', IMAGE)).toEqual([`[${pinned}]`])
    expect(await lines('run', '--rm', '--network', 'none', pinned, 'echo', 'yes')).toEqual(['yes'])
    const other = `localhost/busybox@sha256:${'0'.repeat(64)}`
    expect(await bryo(['run', '--rm', '--pull', 'never', other, 'true'])).toMatchObject({ code: 125 })
  })
})

describe('image mount', () => {
  it('shows an image in unshare, read-only, with either driver', async () => {
    for (const driver of ['overlay', 'fuse-overlayfs']) {
      const script = `set -e; p=$("$1" --storage-driver ${driver} image mount ${IMAGE}); cat "$p/etc/greeting"; stat -c %u "$p/etc"
        ! touch "$p/x" 2>/dev/null; "$1" image mount; "$1" image unmount ${IMAGE} >/dev/null; ls "$p" 2>/dev/null || echo gone`
      const ended = await bryo(['unshare', 'sh', '-c', script, '-', BRYO])
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      const [greeting, owner, mounted, rest] = ended.stdout.trimEnd().split('\n')
      expect([greeting, owner, rest]).toEqual(['hello from the image', '0', 'gone'])
      expect(mounted).toMatch(new RegExp(`^${IMAGE} +/`))
    }
    expect(await bryo(['image', 'mount', IMAGE])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('bryo unshare'),
    })
  })
})

describe('a manifest list among images', () => {
  it('is listed, found, tagged and removed as an image, and stands for the one of this machine', async () => {
    const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
    await lines('import', '-c', 'LABEL list=here', world.archive, 'localhost/listed:1')
    await lines('manifest', 'create', 'several', 'listed:1')
    await lines('manifest', 'annotate', 'several', 'listed:1', '--os', 'linux', '--arch', arch)
    const id = (await lines('inspect', '--format', '{{.Id}}', 'listed:1'))[0]
    const [row = ''] = await lines('images', '--noheading', '--no-trunc', 'several')
    expect(row).toMatch(/^localhost\/several +latest +sha256:[0-9a-f]{64} /)
    const list = / sha256:([0-9a-f]{64}) /.exec(row)?.[1] ?? ''
    const words = (await lines('images', '--format', '{{.Repository}} {{.IsManifestList}}')).filter((line) =>
      /listed|several/.test(line),
    )
    expect(words.sort()).toEqual(['localhost/listed false', 'localhost/several true'])
    for (const name of ['several', 'localhost/several:latest']) {
      expect(await lines('inspect', '--format', '{{.Id}}', name)).toEqual([id])
      expect(await lines('run', '--rm', '--network', 'none', name, 'cat', '/etc/greeting')).toEqual([
        'hello from the image',
      ])
      await lines('image', 'exists', name)
      await lines('history', name)
    }
    expect((await bryo(['run', '--rm', '--platform', 'linux/s390x', 'several'])).stderr).toContain(
      'no image for linux/s390x',
    )
    await lines('tag', 'several', 'more')
    expect(await lines('__complete', 'rmi', 'mor')).toContain('more:latest\tmanifest list')
    expect(await lines('rmi', 'more')).toEqual(['Untagged: localhost/more:latest', `Deleted: ${list}`])
    expect(await lines('rmi', list.slice(0, 12))).toEqual([
      'Untagged: localhost/several:latest',
      `Deleted: ${list}`,
    ])
    expect((await bryo(['image', 'exists', 'several'])).code).toBe(1)
    await lines('manifest', 'create', 'again', 'listed:1')
    await lines('rmi', 'listed:1')
    expect((await bryo(['inspect', 'again'])).stderr).toContain('is not in the store')
    await lines('image', 'prune', '--force')
    expect(await bryo(['manifest', 'exists', 'again'])).toMatchObject({ code: 0 })
    await lines('rmi', '--all', '--force')
    expect((await bryo(['manifest', 'exists', 'again'])).code).toBe(1)
    await lines('import', world.archive, IMAGE)
  })
})

describe('an additional store', () => {
  it('gives its images and layers without a copy, and is never written', async () => {
    const shared = world.makeDirectory('shared')
    const there = ['--root', shared]
    await lines(...there, 'import', '-c', 'LABEL from=there', world.archive, 'localhost/shared:1')
    const before = (await world.command(['find', shared, '-printf', '%p %T@ %s\n'])).stdout
    const own = ['--storage-opt', `additionalimagestore=${shared}`]
    expect(await lines(...own, 'images', '--format', '{{.Names}} {{.ReadOnly}}', 'shared:1')).toEqual([
      '[localhost/shared:1] true',
    ])
    expect((await lines(...own, 'images'))[0]).toContain('R/O')
    for (const driver of ['overlay', 'fuse-overlayfs']) {
      const run = ['--storage-driver', driver, 'run', '--rm', '--network', 'none', 'shared:1']
      expect(await lines(...own, ...run, 'sh', '-c', 'echo x >> /etc/greeting; cat /etc/greeting')).toEqual([
        'hello from the image',
        'x',
      ])
    }
    expect(await lines(...own, 'inspect', '--format', '{{.Config.Labels.from}}', 'shared:1')).toEqual([
      'there',
    ])
    for (const args of [
      ['rmi', 'shared:1'],
      ['tag', 'shared:1', 'other:1'],
    ]) {
      const ended = await bryo([...own, ...args])
      expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('read-only') })
    }
    await lines(...own, 'image', 'prune', '-af')
    await lines(...own, 'save', '-o', `${world.work}/from-shared.tar`, 'shared:1')
    expect((await world.command(['find', shared, '-printf', '%p %T@ %s\n'])).stdout).toBe(before)
    await lines(...there, 'rmi', '-af')
  })

  it("of another user is refused: its owners mean nothing in one's own containers", async () => {
    const ended = await bryo(['--storage-opt', 'additionalimagestore=/usr', 'images'])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('it belongs to uid 0') })
  })

  it('is named in bryo.conf too; a directory that is none is refused', async () => {
    const config = world.makeDirectory('config/bryo')
    const { writeFileSync } = await import('node:fs')
    writeFileSync(`${config}/bryo.conf`, '[storage]\nadditionalimagestores = /nonexistent\n')
    const env = { XDG_CONFIG_HOME: `${world.work}/config` }
    expect(await bryo(['images'], { env })).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('cannot use the additional store "/nonexistent"'),
    })
    writeFileSync(`${config}/bryo.conf`, '[storage]\nnope = 1\n')
    expect((await bryo(['images'], { env })).stderr).toContain('expected graphroot or additionalimagestores')
    writeFileSync(`${config}/bryo.conf`, `[storage]\ngraphroot = ${world.work}/elsewhere\n`)
    expect(await bryo(['images', '-q'], { env })).toMatchObject({ code: 0, stdout: '' })
    expect((await bryo(['info', '--format', 'json'], { env })).stdout).toContain(`${world.work}/elsewhere`)
    expect((await bryo(['--storage-opt', 'size=1', 'images'])).stderr).toContain('additionalimagestore=DIR')
  })
})
