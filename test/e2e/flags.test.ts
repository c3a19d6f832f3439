import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BRYO, give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const directory = world.makeDirectory('ids')

beforeAll(async () => {
  const run = await bryo([
    'run',
    '-d',
    '--name',
    'web',
    '--network',
    'none',
    '-l',
    'a=b',
    IMAGE,
    'sleep',
    '1000',
  ])
  expect(run, run.stderr).toMatchObject({ code: 0 })
  writeFileSync(join(directory, 'web'), run.stdout)
  give(directory)
  expect(await bryo(['secret', 'create', '--label', 'x=y', 'token', '-'], { input: 'secret' })).toMatchObject(
    {
      code: 0,
    },
  )
  expect(await bryo(['volume', 'create', 'data'])).toMatchObject({ code: 0 })
})
afterAll(async () => {
  await bryo(['rm', '-af'])
})

describe('options of Podman', () => {
  it.each([
    [['container', 'checkpoint', '--print-stats', 'web'], '--print-stats: freezing processes'],
    [['container', 'restore', '-i', 'x'], '--import: freezing processes'],
    [['container', 'cleanup', '--exec', 'x', 'web'], '--exec: '],
    [['system', 'migrate', '--new-runtime', 'crun'], '--new-runtime: containers are run by bryo itself'],
    [['start', '--checkpoint', 'x', 'web'], '--checkpoint: freezing'],
    [['rm', '--link', 'web'], '--link: '],
    [['container', 'clone', '--pod', 'x', 'web'], '--pod: there are no pods'],
    [['update', '--memory-swappiness', '5', 'web'], '--memory-swappiness: '],
    [['push', '--compress', IMAGE], '--compress: '],
    [['volume', 'create', '--pinned', 'x'], '--pinned: '],
    [['secret', 'create', '--driver-opts', 'a=b', 'x', '-'], '--driver-opts: '],
    [['cp', '-L', '/etc/hostname', 'web:/'], '--follow-link: '],
    [['commit', '--config', 'x', 'web'], '--config: '],
    [['push', '--sign-by', 'me', IMAGE], '--sign-by: '],
  ])('that cannot be there say why: %j', async (args, word) => {
    const ended = await bryo(args)
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: cannot use -[^\n]+\nSee '[^\n]+'\n$/)
    expect(ended.stderr).toContain(`cannot use ${word}`)
  })

  it('have their former names too', async () => {
    expect((await bryo(['ps', '--namespace', '--notruncate'])).stdout).toMatch(/^CONTAINER ID .*USERNS/)
    expect(await bryo(['stop', '--timeout', '1', '--ignore', 'nobody'])).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await bryo(['ps', '--storage', '-q'])).toMatchObject({ code: 0 })
  })

  it('take ids from files, which may be missing where that is no error', async () => {
    const file = join(directory, 'web')
    // Whether it can be paused depends on the host.
    expect((await bryo(['pause', '--cidfile', file])).stderr).not.toContain('cidfile')
    await bryo(['unpause', '--cidfile', file])
    expect(await bryo(['unpause', '--filter', 'label=nobody'])).toMatchObject({ code: 0, stdout: '' })
    const missing = ['--cidfile', join(directory, 'missing')]
    expect(await bryo(['stop', '--ignore', ...missing])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await bryo(['stop', ...missing])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('cannot read the container id from'),
    })
  })

  it('wait for the first of several', async () => {
    const create = ['create', '--network', 'none', '--name', 'never', IMAGE, 'true']
    expect(await bryo(create)).toMatchObject({ code: 0 })
    const first = ['wait', '-i', '10ms', '--exit-first-match', '--condition', 'running', 'never', 'web']
    expect(await bryo(first)).toMatchObject({ code: 0, stdout: '-1\n' })
    expect(await bryo(['wait', '--interval', 'soon', 'web'])).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^Error: invalid --interval "soon"/),
    })
    await bryo(['rm', 'never'])
  })

  it('stop by another signal', async () => {
    const script = 'trap "exit 3" USR1; while :; do sleep 0.1; done'
    await bryo(['run', '-d', '--name', 'trap', '--network', 'none', IMAGE, 'sh', '-c', script])
    // Once the loop goes on, the trap is set.
    await expect
      .poll(() => bryo(['top', 'trap', 'args']), { timeout: 10_000 })
      .toMatchObject({ stdout: expect.stringContaining('sleep 0.1') })
    expect(await bryo(['stop', '--signal', 'USR1', 'trap'])).toMatchObject({ code: 0, stderr: '' })
    expect(await bryo(['wait', 'trap'])).toMatchObject({ stdout: '3\n' })
    await bryo(['rm', 'trap'])
  })
})

describe('further options', () => {
  it('look at the last container', async () => {
    await bryo(['exec', 'web', 'sh', '-c', ': > /made'])
    for (const command of [['diff'], ['container', 'diff']]) {
      expect((await bryo([...command, '--latest'])).stdout).toContain('A /made\n')
      expect(await bryo(command)).toMatchObject({ code: 125, stdout: '' })
    }
  })

  it('change the environment from the next start on', async () => {
    const flags = ['--network', 'none', '--name', 'env', '-e', 'A=1', '-e', 'B=2']
    await bryo(['create', ...flags, IMAGE, 'sh', '-c', 'echo $A $B $C'])
    expect(await bryo(['update', '--env', 'C=3', '--unsetenv', 'A', 'env'])).toMatchObject({ code: 0 })
    expect(await bryo(['start', '-a', 'env'])).toMatchObject({ stdout: '2 3\n' })
    await bryo(['update', '--env', 'A=4', 'env'])
    expect(await bryo(['start', '-a', 'env'])).toMatchObject({ stdout: '4 2 3\n' })
    await bryo(['rm', 'env'])
  })

  it('give a volume to somebody, and show where it is', async () => {
    expect(await bryo(['volume', 'create', '--uid', '5', '--gid', '6', 'theirs'])).toMatchObject({ code: 0 })
    const stat = ['run', '--rm', '--network', 'none', '-v', 'theirs:/v', IMAGE, 'stat', '-c', '%u:%g', '/v']
    expect(await bryo(stat)).toMatchObject({ stdout: '5:6\n' })
    const mounted = await bryo(['unshare', BRYO, 'volume', 'mount', 'theirs'])
    expect(mounted).toMatchObject({ code: 0, stdout: `${world.dataRoot}/volumes/theirs/_data\n` })
    expect(await bryo(['unshare', BRYO, 'volume', 'unmount', 'theirs'])).toMatchObject({ stdout: 'theirs\n' })
    expect(await bryo(['volume', 'mount', 'theirs'])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('must execute "bryo unshare" first'),
    })
    expect(await bryo(['volume', 'reload'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await bryo(['volume', 'rm', '--time', '1', 'theirs'])).toMatchObject({ code: 125 })
    expect(await bryo(['volume', 'rm', '--force', '--time', '1', 'theirs'])).toMatchObject({ code: 0 })
  })

  it('leave a secret that exists as it is', async () => {
    const again = await bryo(['secret', 'create', '--ignore', 'token', '-'], { input: 'other' })
    expect(await bryo(['inspect', '--type', 'secret', '-f', '{{.ID}}', 'token'])).toMatchObject({
      stdout: `${again.stdout.trim()}\n`,
    })
    expect(await bryo(['secret', 'inspect', '--showsecret', '-f', '{{.SecretData}}', 'token'])).toMatchObject(
      {
        stdout: 'secret\n',
      },
    )
    expect(await bryo(['secret', 'create', '--ignore', '--replace', 'token', '-'])).toMatchObject({
      code: 125,
    })
  })
})

describe("Podman's names of fields", () => {
  it.each([
    [['ps', '--format', '{{.ListContainer.Names}} {{.CIDFile}} {{.ExposedPorts}}'], 'web  []\n'],
    [['stats', '--no-stream', '--format', '{{.ContainerStats.Name}} {{.PerCPU}}'], 'web []\n'],
    [['volume', 'ls', '--format', '{{.VolumeConfigResponse.Name}} {{.UID}} {{.StorageID}}'], 'data 0 \n'],
    [['volume', 'inspect', '--format', '{{.Name}} {{.NeedsChown}} {{.Timeout}}', 'data'], 'data false 0\n'],
    [
      ['secret', 'ls', '--filter', 'label=x=y', '--format', '{{.Spec.Name}} {{.Spec.Driver.Name}}'],
      'token file\n',
    ],
    [['info', '--format', '{{.Host.RemoteSocket.Exists}} {{.Host.Linkmode}}'], 'false dynamic\n'],
    [
      ['inspect', '--format', '{{.State.Restored}} {{.Config.CreateCommand}} {{.PidFile}}', 'web'],
      'false [] \n',
    ],
    [['inspect', '--format', '{{.NetworkSettings.InspectBasicNetworkConfig.IPAddress}}', 'web'], '\n'],
    [['inspect', '--format', '{{.State.Checkpointed}}{{len .State.CheckpointLog}}', 'web'], 'false0\n'],
  ])('%j', async (args, stdout) => {
    expect(await bryo(args)).toMatchObject({ code: 0, stdout, stderr: '' })
  })

  it('do not show in JSON', async () => {
    expect((await bryo(['ps', '--format', '{{json .}}'])).stdout).not.toContain('ListContainer')
    expect((await bryo(['inspect', '--format', '{{json .State}}', 'web'])).stdout).not.toContain(
      'Checkpointed"',
    )
  })

  it('knows times', async () => {
    const [created, seconds] = (
      await bryo(['ps', '--format', '{{.Created.Format "2006"}} {{.Created.Unix}}'])
    ).stdout
      .trim()
      .split(' ')
    expect(new Date(Number(seconds) * 1000).getFullYear()).toBe(Number(created))
  })
})
