import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo, dataRoot } = world
const at = (...names: readonly string[]) => join(dataRoot, ...names)

async function ok(args: readonly string[], input?: string): Promise<string> {
  const ended = await bryo(args, input === undefined ? {} : { input })
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.replace(/\n$/, '')
}

const create = (...args: readonly string[]) => ok(['create', ...args, IMAGE, 'true'])

/** Writes into the store as the user would, whose files they then are. */
function forge(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 })
  give(path)
}

/** Damage is found, does not vanish by looking, is mended, and then is no more. */
async function expectMended(found: RegExp, mended: RegExp, flags: readonly string[] = []): Promise<void> {
  for (const _ of [1, 2]) {
    const ended = await bryo(['system', 'check', ...flags])
    expect(ended).toMatchObject({ code: 1, stderr: '' })
    expect(ended.stdout).toMatch(found)
  }
  const repaired = await bryo(['system', 'check', '--repair', ...flags])
  expect(repaired, repaired.stdout).toMatchObject({ code: 0, stderr: '' })
  expect(repaired.stdout).toMatch(mended)
  expect(await ok(['system', 'check'])).toBe('')
}

afterEach(async () => {
  await ok(['rm', '--all', '--force'])
  await ok(['volume', 'rm', '--all'])
})

describe('bryo info', () => {
  it('names what scripts ask for, in templates, JSON and YAML', async () => {
    const format =
      '{{.Host.OCIRuntime.Name}} {{.Store.GraphDriverName}} {{.Store.GraphRoot}} {{.Host.Security.Rootless}}'
    expect(await ok(['info', '--format', format])).toBe(`bryo overlay ${dataRoot} true`)
    expect(await ok(['info', '-f', '{{.Store.ImageStore.Number}} {{.Host.SilentForks}}'])).toMatch(/^1 \d+$/)
    expect(await ok(['info', '-f', '{{.ServerVersion}} {{.OSType}}'])).toMatch(/^\d+\.\d+\.\d+ linux$/)
    const document: unknown = JSON.parse(await ok(['system', 'info', '--format', 'json']))
    expect(document).toMatchObject({
      host: { os: 'linux', ociRuntime: { name: 'bryo' }, security: { rootless: true } },
      store: { graphDriverName: 'overlay', runRoot: world.runRoot, imageStore: { number: 1 } },
    })
    expect(await ok(['info'])).toMatch(
      /^host:\n {2}arch: \w+\n[\s\S]*\nstore:\n[\s\S]*\n {2}graphDriverName: overlay\n/,
    )
  })

  it('counts containers by state', async () => {
    await create()
    const format = '{{json .Store.ContainerStore}}'
    expect(JSON.parse(await ok(['info', '--format', format]))).toEqual({
      Number: 1,
      Paused: 0,
      Running: 0,
      Stopped: 1,
    })
  })
})

describe('bryo system df', () => {
  it('tells what would be given back, and shows each thing with -v', async () => {
    const row = (name: string) =>
      ok(['system', 'df', '--format', '{{.Type}} {{.Total}} {{.Active}} {{.Reclaimable}}']).then((text) =>
        text.split('\n').find((line) => line.startsWith(name)),
      )
    expect(await row('Images')).toMatch(/^Images 1 0 \S+MB \(100%\)$/)
    await world.inside(['-v', 'data:/data'], 'head -c 3000000 /dev/zero > /data/x')
    expect(await row('Local')).toBe('Local Volumes 1 0 3MB (100%)')
    await create('--name', 'user', '-v', 'data:/data')
    expect(await row('Images')).toBe('Images 1 1 0B (0%)')
    expect(await row('Containers')).toBe('Containers 1 0 0B (0%)')
    const details = await ok(['system', 'df', '-v'])
    expect(details).toMatch(
      /^Images space usage:\n\nREPOSITORY +TAG[\s\S]*\nlocalhost\/busybox +latest .* 0B +\S+MB +1\n/,
    )
    expect(details).toMatch(/\nVOLUME NAME +LINKS +SIZE\ndata +1 +3MB$/)
    expect(JSON.parse(await ok(['system', 'df', '--format', 'json']))).toHaveLength(3)
    expect((await bryo(['system', 'df', '-v', '--format', 'json'])).code).toBe(125)
  })
})

describe('pruning', () => {
  it('asks first, and takes anything but yes for no', async () => {
    const id = await create()
    for (const command of [
      ['container', 'prune'],
      ['image', 'prune'],
      ['system', 'prune'],
    ]) {
      const ended = await bryo(command, { input: 'maybe\n' })
      expect(ended).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^WARNING! .*\[y\/N\] $/s),
        stderr: '',
      })
      expect(await bryo(command)).toMatchObject({ code: 125, stderr: expect.stringMatching(/^Error: EOF\n/) })
    }
    expect(await ok(['ps', '-aq', '--no-trunc'])).toBe(id)
  })

  it('removes containers that do not run, by label and age', async () => {
    const [kept, removed] = [await create('--label', 'keep=1'), await create()]
    expect(await ok(['container', 'prune', '-f', '--filter', 'until=1h'])).toBe('')
    expect(await ok(['container', 'prune', '-f', '--filter', 'label!=keep'])).toBe(removed)
    expect(await ok(['container', 'prune'], 'y\n')).toMatch(new RegExp(`${kept}$`))
    expect((await bryo(['container', 'prune', '-f', '--filter', 'bogus=1'])).code).toBe(125)
  })

  it('leaves containers that run', async () => {
    const running = world.start(['run', '--rm', '-i', '--name', 'busy', IMAGE, 'sh', '-c', 'echo up; cat'])
    await running.said('up')
    expect(await ok(['system', 'prune', '--all', '--force', '--volumes'])).toBe('Total reclaimed space: 0B')
    running.endInput()
    expect(await running.ended).toMatchObject({ code: 0 })
    expect(await ok(['image', 'exists', IMAGE])).toBe('')
  })

  it('removes images without a name, and with --all those that no container has', async () => {
    const first = await ok(['import', world.archive, 'old'])
    await ok(['import', '--change', 'CMD other', world.archive, 'old'])
    const id = first.replace(/^.*sha256:/s, '').slice(0, 64)
    expect(await ok(['image', 'prune', '-f', '--filter', 'label=none'])).toBe('')
    expect(await ok(['image', 'prune', '-f'])).toBe(id)
    await create()
    const removed = (await ok(['image', 'prune', '-af'])).split('\n')
    expect(removed).toHaveLength(1)
    expect(await ok(['images', '--format', '{{.Repository}}'])).toBe('localhost/busybox')
  })

  it('prunes all of the system in one go', async () => {
    const id = await create('-v', 'unused:/data')
    await ok(['import', '--change', 'CMD x', world.archive, 'spare'])
    const output = await ok(['system', 'prune', '-f', '--volumes'])
    expect(output).toMatch(
      new RegExp(`^Deleted Containers\n${id}\nDeleted Volumes\nunused\nTotal reclaimed space: `),
    )
    expect(await ok(['system', 'prune', '-af', '--filter', 'until=1h'])).toBe('Total reclaimed space: 0B')
    await ok(['rmi', 'spare'])
  })
})

describe('bryo system check', () => {
  it('finds nothing in a sound store', async () => {
    await create('-v', 'data:/data')
    expect(await ok(['system', 'check'])).toBe('')
    expect(await ok(['system', 'check', '--repair', '--quick'])).toBe('')
    expect(await bryo(['system', 'check', '--force'])).toMatchObject({ code: 125 })
  })

  it('mends containers without a record, a state, a name or a volume', async () => {
    const forged = 'ab'.repeat(32)
    mkdirSync(at('containers', forged))
    give(at('containers', forged))
    await expectMended(/^container abababababab: it has no record$/m, /no record: removed$/m)
    expect(existsSync(at('containers', forged))).toBe(false)

    const id = await create('--name', 'victim', '-v', 'lost:/data')
    forge(at('containers', id, 'state.json'), '{"status": "runn')
    await expectMended(/^container victim: its state cannot be read$/m, /noted as ended$/m)
    unlinkSync(at('names/victim'))
    await expectMended(/its name victim leads nowhere$/m, /named again$/m)
    rmSync(at('volumes/lost'), { recursive: true })
    await expectMended(/^container victim: its volume lost is missing$/m, /made anew, empty$/m)
    expect((await bryo(['start', '-a', 'victim'])).code).toBe(0)
  })

  it('removes a container whose record is spoilt only with --force', async () => {
    const id = await create('--name', 'spoilt')
    forge(at('containers', id, 'container.json'), '{}')
    const refused = await bryo(['system', 'check', '--repair'])
    expect(refused).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('with --force it would be removed'),
    })
    const removed = await bryo(['system', 'check', '--repair', '--force'])
    expect(removed).toMatchObject({ code: 0 })
    expect(await ok(['system', 'check'])).toBe('')
    expect(readdirSync(at('names'))).toEqual([])
  })

  it('mends volumes that lost their record or directory, and keeps their content', async () => {
    await world.inside(['-v', 'kept:/data'], 'echo precious > /data/file')
    forge(at('volumes/kept/volume.json'), 'no json')
    await expectMended(/^volume kept: its record cannot be read$/m, /recorded anew/)
    expect(await world.inside(['-v', 'kept:/data'], 'cat /data/file')).toBe('precious')
    renameSync(at('volumes/kept/_data'), join(world.work, 'moved'))
    await expectMended(/^volume kept: its directory is missing$/m, /made anew, empty/)
  })

  it('removes names, directories and files that belong to nothing', async () => {
    symlinkSync('cd'.repeat(32), at('names/ghost'))
    const id = await create('--name', 'renamed')
    symlinkSync(id, at('names/before'))
    const runDirectory = join(world.runRoot, 'containers', 'cd'.repeat(32))
    mkdirSync(join(runDirectory, 'files'), { recursive: true })
    mkdirSync(at('tmp/stray'))
    forge(at('images.json.4711.0~'), 'half')
    give(world.runRoot)
    give(at('tmp/stray'))
    await world.command(['touch', '-d', '2020-01-01', at('images.json.4711.0~')])
    await expectMended(/^name before: no container has it\nname ghost: no container has it$/m, /given up$/m)
    expect(await ok(['ps', '-a', '--format', '{{.Names}}'])).toBe('renamed')
    expect(existsSync(runDirectory)).toBe(false)
    expect(existsSync(at('tmp/stray'))).toBe(false)
    expect(existsSync(at('images.json.4711.0~'))).toBe(false)
    expect(lstatSync(at('names/ghost'), { throwIfNoEntry: false })).toBeUndefined()
  })

  it('unpacks a missing layer again from its blob', async () => {
    const [layer = ''] = readdirSync(at('layers'))
    const content = readdirSync(at('layers', layer, 'diff'))
    await world.command(['rm', '-rf', at('layers', layer)])
    await expectMended(/image localhost\/busybox:latest: its layer \w+ is missing$/m, /unpacked again$/m)
    expect(readdirSync(at('layers', layer, 'diff'))).toEqual(content)
    expect(await world.inside([], 'cat /etc/greeting')).toBe('hello from the image')
  })

  it('reads blobs unless --quick is given, and drops an image whose blobs are spoilt', async () => {
    await ok(['import', '--change', 'CMD spoilt', world.archive, 'spoilt'])
    const id = (await ok(['images', '-q', '--no-trunc', 'spoilt'])).replace('sha256:', '')
    const blob = at('blobs/sha256', id)
    const text = readFileSync(blob, 'utf8')
    writeFileSync(blob, text.replace('spoilt', 'broken'))
    expect(await ok(['system', 'check', '--quick'])).toBe('')
    await expectMended(
      /image localhost\/spoilt:latest: its blob \w+ has another content/,
      /removed: pull it again$/m,
    )
    expect((await bryo(['image', 'exists', 'spoilt'])).code).toBe(1)
    expect(await ok(['image', 'exists', IMAGE])).toBe('')
  })

  it('keeps an image that containers have, unless --force is given', async () => {
    await ok(['import', '--change', 'CMD used', world.archive, 'used'])
    await ok(['create', '--name', 'user', 'used'])
    const id = (await ok(['images', '-q', '--no-trunc', 'used'])).replace('sha256:', '')
    unlinkSync(at('blobs/sha256', id))
    const refused = await bryo(['system', 'check', '--repair'])
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('removed with 1 containers') })
    expect((await bryo(['system', 'check', '--repair', '--force'])).code).toBe(0)
    expect(await ok(['ps', '-aq'])).toBe('')
  })

  it('finds what nothing uses once it is old', async () => {
    forge(at('blobs/sha256', 'ef'.repeat(32)), 'not what it says')
    expect(await ok(['system', 'check', '--quick'])).toBe('')
    await expectMended(/^blob efefefefefef: nothing uses it$/m, /removed$/m, ['--quick', '--max', '0s'])
  })
})

describe('bryo system reset', () => {
  it('kills what runs and leaves an empty directory, whatever state the store is in', async () => {
    const root = world.makeDirectory('reset')
    const flags = ['--root', join(root, 'data'), '--runroot', join(root, 'run', 'bryo')]
    const own = (args: readonly string[]) => bryo([...flags, ...args])
    expect((await own(['import', world.archive, 'busybox'])).code).toBe(0)
    // Files of a subordinate id, in a directory that only that may enter.
    const fill = 'mkdir /data/x; touch /data/x/y; chmod 700 /data/x; chown -R 33:33 /data/x'
    expect((await own(['run', '--rm', '-v', 'v:/data', 'busybox', 'sh', '-c', fill])).code).toBe(0)
    const running = world.start([
      ...flags,
      'run',
      '--name',
      'up',
      'busybox',
      'sh',
      '-c',
      'echo up; sleep 1000',
    ])
    await running.said('up')
    appendFileSync(join(root, 'data/store.json'), 'damaged')
    appendFileSync(join(root, 'data/images.json'), 'damaged')
    expect((await own(['ps'])).code).toBe(125)
    expect(await own(['system', 'reset'])).toMatchObject({ code: 125 })
    expect(await own(['system', 'reset', '--force'])).toMatchObject({ code: 0, stderr: '' })
    expect((await running.ended).code).not.toBe(0)
    expect(readdirSync(join(root, 'data'))).toEqual([])
    expect(readdirSync(join(root, 'run/bryo'))).toEqual([])
    expect((await own(['images', '-q'])).stdout).toBe('')
    expect(await own(['system', 'reset', '-f'])).toMatchObject({ code: 0 })
  })

  it('refuses a directory that is no store', async () => {
    const directory = world.makeDirectory('mine')
    forge(join(directory, 'thesis.txt'), 'years of work')
    const ended = await bryo(['--root', directory, 'system', 'reset', '--force'])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('it holds "thesis.txt"') })
    expect(readdirSync(directory)).toEqual(['thesis.txt'])
  })
})

describe('bryo system migrate and renumber', () => {
  it.each(['migrate', 'renumber'])('%s says that there is nothing to do', async (command) => {
    expect(await ok(['system', command])).toMatch(new RegExp(`^nothing to ${command}: `))
  })
})
