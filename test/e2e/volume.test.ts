import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

/** Runs a command that must succeed; gives its output without the last line end. */
async function ok(args: readonly string[], input?: string): Promise<string> {
  const ended = await bryo(args, input === undefined ? {} : { input })
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.replace(/\n$/, '')
}

async function inspect(name: string): Promise<unknown> {
  return JSON.parse(await ok(['volume', 'inspect', name]))
}

describe('bryo volume create', () => {
  it('makes a volume with labels, which inspect shows in the known shape', async () => {
    expect(await ok(['volume', 'create', '--label', 'a=b', '-l', 'c', 'made'])).toBe('made')
    expect(await inspect('made')).toMatchObject([
      {
        Name: 'made',
        Driver: 'local',
        Mountpoint: join(world.dataRoot, 'volumes/made/_data'),
        Labels: { a: 'b', c: '' },
        Options: {},
        Scope: 'local',
        MountCount: 0,
      },
    ])
  })

  it('gives a volume without a name one of 64 digits', async () => {
    const name = await ok(['volume', 'create'])
    expect(name).toMatch(/^[0-9a-f]{64}$/)
    expect(await ok(['volume', 'inspect', '--format', '{{.Anonymous}}', name])).toBe('true')
  })

  it('refuses a name that is taken, unless --ignore is given', async () => {
    await ok(['volume', 'create', 'twice'])
    expect(await bryo(['volume', 'create', 'twice'])).toMatchObject({
      code: 125,
      stderr: 'Error: volume with name twice already exists: volume already exists\n',
    })
    expect(await ok(['volume', 'create', '--ignore', 'twice'])).toBe('twice')
  })

  it.each([
    [['--driver', '../../bin/evil', 'x'], 'no volume driver "../../bin/evil", expected local'],
    [['--opt', 'bogus=1', 'x'], 'invalid mount option bogus'],
    [['--opt', 'o=size=5m', 'x'], 'options size and inodes not supported'],
    [['--opt', 'type=nfs', '--opt', 'device=:/x', 'x'], 'type "nfs" cannot be mounted without root'],
    [['--opt', 'type=none', '--opt', 'o=bind', '--opt', 'device=rel', 'x'], 'expected the absolute path'],
    [['--opt', 'type=tmpfs', '--opt', 'o=context=x', 'x'], 'unknown option "context=x" of a tmpfs'],
    [['--opt', 'o=uid=4000000000', 'x'], 'is not among the ids of containers'],
    [['../x'], 'invalid volume name'],
  ])('refuses %j', async (args, message) => {
    const before = world.listing()
    const ended = await bryo(['volume', 'create', ...args])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect(world.listing()).toEqual(before)
  })

  it('gives a directory to the owner that the options name, also when the image has files for it', async () => {
    await ok(['volume', 'create', '--opt', 'o=uid=1000,gid=7', 'owned'])
    expect(await world.inside(['-v', 'owned:/srv'], 'stat -c %u:%g /srv; cat /srv/index.html')).toBe(
      '1000:7\nserved from inside',
    )
  })

  it('makes a tmpfs for each container, with the size and what the image has', async () => {
    await ok(['volume', 'create', '-o', 'type=tmpfs', '-o', 'o=size=2m,mode=0700', 'memory'])
    const look = 'stat -f -c %T /srv; stat -c %a /srv; ls /srv; touch /srv/new'
    for (const _ of [1, 2]) {
      expect(await world.inside(['-v', 'memory:/srv'], look)).toBe('tmpfs\n700\nindex.html')
    }
    expect((await bryo(['volume', 'export', 'memory'])).stderr).toContain('it is a tmpfs')
  })

  it('binds a directory of the host: an empty one is filled, a full one left as it is', async () => {
    const directory = world.makeDirectory('bound')
    await ok(['volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${directory}`, 'bound'])
    await world.inside(['-v', 'bound:/srv'], 'echo mine > /srv/mine')
    expect(readdirSync(directory).toSorted()).toEqual(['index.html', 'mine'])
    await world.inside(['-v', 'bound:/etc'], 'true')
    expect(existsSync(join(directory, 'greeting'))).toBe(false)
    await ok(['volume', 'rm', 'bound'])
    expect(readFileSync(join(directory, 'mine'), 'utf8')).toBe('mine\n')
  })

  it('honours ro of a bound directory, and says which volume lacks its device', async () => {
    const directory = world.makeDirectory('read-only')
    await ok(['volume', 'create', '-o', 'o=bind,ro', '-o', `device=${directory}`, 'fixed'])
    expect(await world.inside(['-v', 'fixed:/data'], 'touch /data/x 2>/dev/null || echo refused')).toBe(
      'refused',
    )
    await ok(['volume', 'create', '-o', 'o=bind', '-o', `device=${directory}/gone`, 'lost'])
    const ended = await bryo(['run', '--rm', '-v', 'lost:/data', IMAGE, 'true'])
    expect(ended.code).toBe(125)
    expect(ended.stderr).toContain('cannot use volume "lost": its device')
  })
})

describe('a new volume that a container mounts read-only', () => {
  it('is filled from the image all the same', async () => {
    const command = 'cat /srv/index.html; touch /srv/x 2>/dev/null || echo refused'
    expect(await world.inside(['-v', 'readonly:/srv:ro'], command)).toBe('served from inside\nrefused')
  })
})

describe('bryo volume ls', () => {
  it('lists as a table, as names, as JSON and by a template, through filters', async () => {
    await ok(['volume', 'create', '--label', 'list=1', 'list-a'])
    await ok(['volume', 'create', '--label', 'list=2', 'list-b'])
    const used = await ok(['create', '-v', 'list-a:/data', IMAGE, 'true'])
    const names = async (...filters: readonly string[]) =>
      (await ok(['volume', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter])])).split('\n')
    expect(await ok(['volume', 'ls', '--filter', 'label=list'])).toMatch(
      /^DRIVER +VOLUME NAME\nlocal +list-a\nlocal +list-b$/,
    )
    expect(await names('label=list=2')).toEqual(['list-b'])
    expect(await names('label=list', 'label!=list=2')).toEqual(['list-a'])
    expect(await names('name=^list-', 'dangling=true')).toEqual(['list-b'])
    expect(await names('name=^list-', 'dangling=false')).toEqual(['list-a'])
    expect(await names('name=^list-', 'driver=other')).toEqual([''])
    expect(await names('name=^list-', 'until=1h')).toEqual([''])
    const format = '{{.Name}} {{.Label "list"}} {{.Links}}'
    expect(await ok(['volume', 'ls', '--filter', 'label=list', '--format', format])).toBe(
      'list-a 1 1\nlist-b 2 0',
    )
    expect(JSON.parse(await ok(['volume', 'ls', '-f', 'name=list-a', '--format', 'json']))).toMatchObject([
      { Name: 'list-a', Labels: { list: '1' } },
    ])
    await ok(['rm', used])
  })

  it.each([
    ['bogus=1', 'bogus'],
    ['dangling=x', 'must be true or false'],
    ['name=[', 'expected a regular expression'],
    ['until=soon', 'is no time'],
  ])('refuses the filter %s', async (filter, message) => {
    const ended = await bryo(['volume', 'ls', '--filter', filter])
    expect(ended.code).toBe(125)
    expect(ended.stderr).toContain(message)
  })
})

describe('bryo volume exists and inspect', () => {
  it('know whole names, and inspect the beginning of one too', async () => {
    await ok(['volume', 'create', 'prefix-one'])
    await ok(['volume', 'create', 'prefix-two'])
    expect((await bryo(['volume', 'exists', 'prefix-one'])).code).toBe(0)
    expect(await bryo(['volume', 'exists', 'prefix-o'])).toMatchObject({ code: 1, stdout: '', stderr: '' })
    expect(await ok(['volume', 'inspect', '-f', '{{.Name}}', 'prefix-t'])).toBe('prefix-two')
    expect((await bryo(['volume', 'inspect', 'prefix'])).stderr).toContain('2 names start with it')
    expect(await bryo(['volume', 'inspect', 'prefix-one', 'nowhere'])).toMatchObject({
      code: 125,
      stdout: expect.stringContaining('prefix-one'),
      stderr: 'Error: no volume with name "nowhere" found: no such volume\n',
    })
  })
})

describe('bryo volume rm and prune', () => {
  it('refuse what a container has, and name it', async () => {
    await ok(['create', '--name', 'holder', '-v', 'held:/data', IMAGE, 'true'])
    const ended = await bryo(['volume', 'rm', 'held'])
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('in use by holder') })
    await ok(['volume', 'prune', '--force'])
    expect((await bryo(['volume', 'exists', 'held'])).code).toBe(0)
    expect(await ok(['volume', 'rm', '--force', 'held'])).toBe('held')
    expect(await ok(['ps', '-aq'])).toBe('')
  })

  it('tell an unknown one by the exit code, and with --force say nothing', async () => {
    expect(await bryo(['volume', 'rm', 'nowhere'])).toMatchObject({ code: 1 })
    expect(await bryo(['volume', 'rm', '-f', 'nowhere'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await bryo(['volume', 'rm'])).toMatchObject({ code: 125 })
  })

  it('ask before they prune, and keep what the filter does not fit', async () => {
    await ok(['volume', 'create', '--label', 'keep', 'kept'])
    await ok(['volume', 'create', 'pruned'])
    const asked = await bryo(['volume', 'prune'], { input: 'n\n' })
    expect(asked).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/pruned\nAre you sure .*\[y\/N\] $/s),
    })
    expect(await bryo(['volume', 'prune'])).toMatchObject({ code: 125, stderr: /^Error: EOF/ })
    const pruned = await ok(['volume', 'prune', '--filter', 'label!=keep'], 'y\n')
    expect(pruned).toMatch(/\[y\/N\] (?:.*\n)*pruned/)
    expect(await ok(['volume', 'ls', '-q'])).toBe('kept')
    expect(await ok(['volume', 'prune', '-f', '--filter', 'until=1h'])).toBe('')
    expect(await ok(['volume', 'rm', '--all'])).toBe('kept')
  })
})

describe('bryo volume export and import', () => {
  it('carry files, owners, modes, links and times from one volume to another', async () => {
    const fill =
      'cd /data; echo text > file; chown 5:6 file; chmod 4750 file; ln file second; ln -s /etc/passwd link; mkfifo pipe; mkdir -p a/b; truncate -s 3m a/b/hole; touch -d 2001-02-03 file'
    await world.inside(['-v', 'from:/data'], fill)
    const archive = `${world.work}/volume.tar`
    await ok(['volume', 'export', 'from', '--output', archive])
    await ok(['volume', 'create', 'to'])
    await ok(['volume', 'import', 'to', archive])
    const look =
      "cd /data; find . | sort | while read f; do stat -c '%n %F %a %u:%g %s %h' $f; done; stat -c %Y file"
    expect(await world.inside(['-v', 'to:/data'], look)).toBe(await world.inside(['-v', 'from:/data'], look))
  })

  it('read standard input, compressed or not, and leave other files alone', async () => {
    const tree = world.makeDirectory('tree')
    writeFileSync(join(tree, '.wh.plain'), 'a name as any other')
    await world.inside(['-v', 'piped:/data'], 'echo old > /data/old')
    const pipe = `tar -C ${tree} -cz . | "$0" volume import piped -; "$0" volume export piped | tar t`
    const ended = await world.command(['sh', '-c', pipe, (await import('./support/world.ts')).BRYO])
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: './\n.wh.plain\nold\n' })
  })

  it('refuse archives that are cut, empty or no archives, and a volume that is not there', async () => {
    await ok(['volume', 'create', 'bad'])
    for (const input of ['', 'x'.repeat(2000)]) {
      expect((await bryo(['volume', 'import', 'bad', '-'], { input })).code).toBe(125)
    }
    expect((await bryo(['volume', 'import', 'bad', 'nofile'])).stderr).toContain('no such file')
    expect((await bryo(['volume', 'import', 'nowhere', '-'])).stderr).toContain('no such volume')
    expect((await bryo(['volume', 'export', 'nowhere'])).stderr).toContain('no such volume')
  })

  it('remove the file of an export that failed', async () => {
    const file = `${world.work}/failed.tar`
    expect((await bryo(['volume', 'export', 'nowhere', '-o', file])).code).toBe(125)
    expect(existsSync(file)).toBe(false)
  })
})
