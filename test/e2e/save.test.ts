import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const directory = world.makeDirectory('saved')
const at = (name: string) => `${directory}/${name}`
const hasSkopeo = existsSync('/usr/bin/skopeo')
const hasUmoci = existsSync('/usr/bin/umoci')

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const digestOf = async (name: string) =>
  (await bryo(['inspect', '--format', '{{.Digest}} {{.Id}}', name])).stdout.trim()

describe('bryo save', () => {
  let digest: string
  beforeAll(async () => {
    digest = await digestOf(IMAGE)
  })

  it.each(['docker-archive', 'oci-archive'])(
    'as %s gives the same bytes each time, to a file and through a pipe, and load the same digests',
    async (format) => {
      const [file, again, piped] = [at(`${format}.1`), at(`${format}.2`), at(`${format}.3`)]
      for (const output of [file, again]) {
        expect(await bryo(['save', '--format', format, '-o', output, IMAGE])).toMatchObject({
          code: 0,
          stdout: '',
        })
      }
      const pipe = await world.command([
        'sh',
        '-c',
        `"$1" save --format ${format} ${IMAGE} | cat > ${piped}`,
        '-',
        BRYO,
      ])
      expect(pipe).toMatchObject({ code: 0 })
      expect(new Set([file, again, piped].map(sha256)).size).toBe(1)
      expect(await bryo(['rmi', IMAGE])).toMatchObject({ code: 0 })
      expect(await bryo(['load', '-i', file])).toMatchObject({ stdout: `Loaded image: ${IMAGE}\n` })
      expect(await digestOf(IMAGE)).toBe(digest)
      expect(await bryo(['save', '--format', format, '-o', again, IMAGE])).toMatchObject({ code: 0 })
      expect(sha256(again)).toBe(sha256(file))
    },
  )

  it.each(['oci-dir', 'docker-dir'])('as %s writes a directory that load takes', async (format) => {
    expect(await bryo(['save', '--format', format, '-o', at(format), IMAGE])).toMatchObject({ code: 0 })
    expect(await bryo(['load', '-i', at(format)])).toMatchObject({ code: 0 })
    expect(await digestOf(IMAGE)).toBe(digest)
    const refused = await bryo(['save', '--format', format, '-o', at(format), IMAGE])
    expect(refused).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('expected an empty directory'),
    })
  })

  it('--compress makes other layers of the same image', async () => {
    expect(await bryo(['save', '--compress', '--format', 'oci-dir', '-o', at('small'), IMAGE])).toMatchObject(
      { code: 0 },
    )
    await bryo(['tag', IMAGE, 'localhost/kept:1'])
    expect(await bryo(['load', '-i', at('small')])).toMatchObject({ code: 0 })
    const [manifest, id] = (await digestOf(IMAGE)).split(' ')
    expect(digest).toContain(id)
    expect(digest).not.toContain(manifest)
    expect(await world.inside(['--network', 'none'], ['echo', 'runs'])).toBe('runs')
    await bryo(['load', '-i', at('oci-archive.1')])
  })

  it('writes several images, and several names of one', async () => {
    expect(await bryo(['import', '-c', 'LABEL a=b', world.archive, 'localhost/second:2'])).toMatchObject({
      code: 0,
    })
    const refused = await bryo(['save', '-o', at('no.tar'), IMAGE, 'localhost/second:2'])
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('--multi-image-archive') })
    expect(await bryo(['save', '-m', '-o', at('two.tar'), IMAGE, 'localhost/second:2'])).toMatchObject({
      code: 0,
    })
    expect(await bryo(['save', '-o', at('names.tar'), IMAGE, 'localhost/third:3'])).toMatchObject({ code: 0 })
    await bryo(['rmi', 'localhost/second:2'])
    expect((await bryo(['load', '-i', at('two.tar')])).stdout).toBe(
      `Loaded image: ${IMAGE}\nLoaded image: localhost/second:2\n`,
    )
    expect((await bryo(['load', '-i', at('names.tar')])).stdout).toBe(
      `Loaded image: ${IMAGE}\nLoaded image: localhost/third:3\n`,
    )
  })

  it('refuses what cannot be, and leaves nothing', async () => {
    const before = readdirSync(directory)
    for (const [args, message] of [
      [['-o', at('x'), 'localhost/none'], 'image not known'],
      [['-o', at('none/x'), IMAGE], 'no such directory'],
      [['--compress', '-o', at('x'), IMAGE], '--compress can only be set'],
      [['--format', 'oci-dir', IMAGE], 'expected --output'],
      [['--format', 'zip', IMAGE], 'zip'],
    ] as const) {
      const ended = await bryo(['save', ...args])
      expect(ended, ended.stderr).toMatchObject({ code: 125, stderr: expect.stringContaining(message) })
    }
    const terminal = await world.command(['script', '-qec', `${BRYO} save ${IMAGE}`, '/dev/null'])
    expect(terminal.stdout).toContain('refusing to save to terminal')
    expect(readdirSync(directory)).toEqual(before)
  })

  it('notices a damaged blob, and keeps the file that was there', async () => {
    const layer = (await bryo(['inspect', '--format', '{{index .RootFS.Layers 0}}', IMAGE])).stdout.trim()
    const path = `${world.dataRoot}/blobs/${layer.replace(':', '/')}`
    const whole = readFileSync(path)
    const broken = Buffer.from(whole)
    broken[1000] = (broken[1000] ?? 0) ^ 1
    writeFileSync(path, broken)
    const old = sha256(at('two.tar'))
    const ended = await bryo(['save', '-o', at('two.tar'), IMAGE])
    writeFileSync(path, whole)
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('bryo system check') })
    expect(sha256(at('two.tar'))).toBe(old)
    expect(readdirSync(directory).filter((name) => name.endsWith('~'))).toEqual([])
  })

  it('leaves nothing of a file whose writer is killed', async () => {
    const before = readdirSync(directory)
    const script = `"$1" save -o ${at('killed.tar')} ${IMAGE} & kill -9 $!; wait $!`
    for (let round = 0; round < 10; round++) await world.command(['sh', '-c', script, '-', BRYO])
    expect(readdirSync(directory).filter((name) => name !== 'killed.tar')).toEqual(before)
  })

  it.each([
    ['xz', 'xz -c'],
    ['bzip2', 'bzip2 -c'],
    ['gzip', 'gzip -c'],
    ['zstd', 'zstd -c -q'],
  ])('is loaded again when it was compressed with %s', async (_what, program) => {
    const script = `"$1" save ${IMAGE} | ${program} | tee ${at('packed')} | "$1" load`
    expect(await world.command(['sh', '-c', script, '-', BRYO])).toMatchObject({
      code: 0,
      stdout: `Loaded image: ${IMAGE}\n`,
    })
    expect(await bryo(['load', '-i', at('packed')])).toMatchObject({ code: 0 })
    expect(await digestOf(IMAGE)).toBe(digest)
    const before = world.listing()
    const cut = await world.command(['sh', '-c', `head -c 300000 ${at('packed')} | "$1" load`, '-', BRYO])
    expect(cut).toMatchObject({ code: 125, stderr: expect.stringContaining('cannot') })
    expect(world.listing()).toEqual(before)
  })

  it.runIf(hasSkopeo)('is read by skopeo with the same digest (skipped without skopeo)', async () => {
    for (const source of [
      `oci-archive:${at('oci-archive.1')}:${IMAGE}`,
      `oci:${at('oci-dir')}:${IMAGE}`,
      `dir:${at('docker-dir')}`,
    ]) {
      const seen = execFileSync('skopeo', ['inspect', '--format', '{{.Digest}}', source], {
        encoding: 'utf8',
      })
      expect(digest).toContain(seen.trim())
    }
    const script = `skopeo copy -q docker-archive:${at('docker-archive.1')}:${IMAGE} oci-archive:${at('copied')}:${IMAGE}`
    execFileSync('sh', ['-c', script])
    execFileSync('chmod', ['644', at('copied')])
    expect(await bryo(['load', '-i', at('copied')])).toMatchObject({ stdout: `Loaded image: ${IMAGE}\n` })
    await bryo(['load', '-i', at('oci-archive.1')])
  })

  it.runIf(hasUmoci)('is unpacked by umoci (skipped without umoci)', async () => {
    const unpack = ['umoci', 'unpack', '--rootless', '--image', `${at('oci-dir')}:${IMAGE}`, at('bundle')]
    expect(await world.command(unpack)).toMatchObject({ code: 0 })
    expect(readFileSync(`${at('bundle')}/rootfs/etc/greeting`, 'utf8')).toBe('hello from the image\n')
  })
})
