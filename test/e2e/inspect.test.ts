import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force', '--volumes'])).toMatchObject({ code: 0 })
})

async function create(...args: readonly string[]): Promise<string> {
  const ended = await bryo(['create', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

async function inspect(...args: readonly string[]): Promise<unknown> {
  const ended = await bryo(['inspect', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return JSON.parse(ended.stdout)
}

async function template(format: string, ...args: readonly string[]): Promise<string> {
  const ended = await bryo(['inspect', '--format', format, ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout
}

describe('bryo inspect of a container', () => {
  it('tells what was asked for', async () => {
    const id = await create(
      ...['--name', 'all', '-e', 'A=b', '-l', 'x=y', '-w', '/srv', '-u', '5:6', '-h', 'there', '-it'],
      ...['-p', '127.0.0.1:18080:80', '--expose', '81', '-v', 'data:/data', '-v', `${world.work}:/w:ro`],
      ...['--tmpfs', '/t:size=1m', '--ulimit', 'nofile=100:200', '--cap-add', 'NET_RAW', '--read-only'],
      ...['--restart', 'on-failure:3', '--stop-signal', 'INT', '--pids-limit', '50', '--dns', '1.2.3.4'],
      ...['--add-host', 'a:1.2.3.4', '--security-opt', 'no-new-privileges', '--log-opt', 'max-size=1m'],
      ...['--annotation', 'note=1', '--umask', '0077', '--shm-size', '1m', '--init'],
      ...[IMAGE, 'sleep', '7'],
    )
    expect(await inspect('all')).toMatchObject([
      {
        Id: id,
        Name: 'all',
        Path: 'sleep',
        Args: ['7'],
        ImageName: IMAGE,
        State: { Status: 'created', Running: false, Pid: 0, ExitCode: 0, Health: null },
        RestartCount: 0,
        EffectiveCaps: ['CAP_NET_RAW'],
        Mounts: [
          { Type: 'volume', Name: 'data', Destination: '/data', RW: true },
          { Type: 'bind', Source: world.work, Destination: '/w', RW: false, Propagation: 'rprivate' },
        ],
        NetworkSettings: {
          IPAddress: '',
          Ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }], '81/tcp': null },
        },
        Config: {
          Hostname: 'there',
          User: '5:6',
          Tty: true,
          OpenStdin: true,
          Env: expect.arrayContaining(['A=b', 'container=bryo']),
          Cmd: ['sleep', '7'],
          WorkingDir: '/srv',
          Labels: { x: 'y' },
          Annotations: { note: '1' },
          StopSignal: 'SIGINT',
          StopTimeout: 10,
          Umask: '0077',
          ExposedPorts: { '81/tcp': {} },
        },
        HostConfig: {
          Binds: ['data:/data', `${world.work}:/w:ro`],
          LogConfig: { Type: 'k8s-file', Size: expect.stringMatching(/^1/) },
          NetworkMode: 'slirp4netns',
          PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }] },
          RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
          CapAdd: ['NET_RAW'],
          Dns: ['1.2.3.4'],
          ExtraHosts: ['a:1.2.3.4'],
          ReadonlyRootfs: true,
          SecurityOpt: ['no-new-privileges'],
          Tmpfs: { '/t': 'size=1m' },
          ShmSize: 1024 * 1024,
          PidsLimit: 50,
          Ulimits: [{ Name: 'RLIMIT_NOFILE', Soft: 100, Hard: 200 }],
          Init: true,
        },
      },
    ])
  })

  it('tells what the image says where nothing was asked for, and what runs', async () => {
    const changes = ['ENV FROM=image', 'WORKDIR /etc', 'LABEL from=image', 'STOPSIGNAL SIGQUIT', 'EXPOSE 99']
    const flags = changes.flatMap((change) => ['-c', change])
    expect(
      await bryo([
        'import',
        ...flags,
        '-c',
        'CMD ["sh", "-c", "echo up; exec sleep 100"]',
        world.archive,
        'own',
      ]),
    ).toMatchObject({ code: 0 })
    const run = world.start(['run', '--name', 'up', 'own'])
    await run.said('up')
    expect(await inspect('up')).toMatchObject([
      {
        State: {
          Status: 'running',
          Running: true,
          Pid: expect.any(Number),
          FinishedAt: '0001-01-01T00:00:00Z',
        },
        NetworkSettings: {
          IPAddress: '10.0.2.100',
          Ports: { '99/tcp': null },
          Networks: { slirp4netns: { IPAddress: '10.0.2.100', Gateway: '10.0.2.2' } },
        },
        Config: {
          Cmd: ['sh', '-c', 'echo up; exec sleep 100'],
          Env: expect.arrayContaining(['FROM=image']),
          WorkingDir: '/etc',
          Labels: { from: 'image' },
          StopSignal: 'SIGQUIT',
        },
      },
    ])
    const merged = (await template('{{.GraphDriver.Data.MergedDir}}', 'up')).trim()
    expect(await world.command(['ls', merged])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('bin'),
    })
    expect(await bryo(['rm', '--force', 'up'])).toMatchObject({ code: 0 })
    await run.ended
  })

  it('takes templates of all kinds', async () => {
    await create('--name', 'one', '-l', 'a.b/c=d', '-p', '18080:80', IMAGE, 'true')
    await create('--name', 'two', IMAGE, 'true')
    expect(await template('{{.Name}} {{.State.Status}}', 'one', 'two')).toBe('one created\ntwo created\n')
    expect(await template('{{index .Config.Labels "a.b/c"}}|{{.Config.Labels.none}}', 'one')).toBe(
      'd|<no value>\n',
    )
    expect(await template('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', 'one')).toBe(
      '18080\n',
    )
    expect(await template('{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}', 'one')).toBe(
      'none\n',
    )
    expect(await template('{{json .State.ExitCode}}', '--latest')).toBe('0\n')
    expect(await template('{{range $port, $to := .NetworkSettings.Ports}}{{$port}}{{end}}', 'one')).toBe(
      '80/tcp\n',
    )
    expect(await template('{{.SizeRw}} {{gt .SizeRootFs 1000}}', '--size', 'two')).toBe('0 true\n')
    expect(await template('{{.Id}} {{.ID}}', 'one')).toMatch(/^([0-9a-f]{64}) \1\n$/)
  })

  it('finds volumes and images too, and goes by --type', async () => {
    await create('--name', 'busybox', '-v', 'data:/data', IMAGE, 'true')
    expect(await inspect('data')).toMatchObject([{ Name: 'data', Driver: 'local' }])
    expect(await inspect('busybox')).toMatchObject([{ Name: 'busybox' }])
    expect(await inspect('--type', 'image', 'busybox')).toMatchObject([{ RepoTags: [IMAGE] }])
    expect((await bryo(['container', 'inspect', '-f', '{{.Name}}', 'busybox'])).stdout).toBe('busybox\n')
  })

  it('shows what it finds, and then what it does not', async () => {
    await create('--name', 'here', IMAGE, 'true')
    expect(await bryo(['inspect', 'nobody'])).toEqual({
      code: 125,
      stdout: '[]\n',
      stderr: 'Error: no such object: "nobody"\n',
    })
    expect(await bryo(['inspect', '--format', '{{.Name}}', 'nobody', 'here'])).toMatchObject({
      code: 125,
      stdout: 'here\n',
    })
  })

  it.each([
    [[], 'no names or ids specified'],
    [['--type', 'nope', 'here'], 'invalid argument "nope" for "-t, --type" flag'],
    [['--type', 'image', 'here'], 'here: image not known'],
    [['--type', 'container', 'busybox'], 'no such container busybox'],
    [['--type', 'volume', 'here'], 'no such volume here'],
    [['--latest', 'here'], '--latest and arguments cannot be used together'],
    [['--format', '{{.Nope}}', 'here'], "template: inspect:1:3: can't evaluate field Nope"],
    [['--format', '{{.State.Nope}}', 'here'], "template: inspect:1:3: can't evaluate field Nope"],
    [['--format', '{{.State', 'here'], 'template: inspect:1:1: unclosed action'],
  ])('refuses %j', async (args, message) => {
    await create('--name', 'here', IMAGE, 'true')
    const ended = await bryo(['inspect', ...args])
    expect(ended.code).toBe(125)
    expect(ended.stderr).toContain(message)
  })
})
