import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

const DOCKER = join(world.directory, 'docker')
symlinkSync(BRYO, DOCKER)

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

async function create(...args: readonly string[]): Promise<string> {
  const ended = await bryo(['create', '--network', 'none', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

async function exit(name: string, code: number): Promise<void> {
  const ended = await bryo(['run', '--network', 'none', '--name', name, IMAGE, 'sh', '-c', `exit ${code}`])
  expect(ended, ended.stderr).toMatchObject({ code })
}

async function whileRunning(flags: readonly string[], act: () => Promise<void>): Promise<void> {
  const run = world.start([
    'run',
    '--network',
    'none',
    ...flags,
    IMAGE,
    'sh',
    '-c',
    'echo up; exec sleep 100',
  ])
  await run.said('up')
  await act()
  run.kill('SIGKILL')
  await run.ended
}

/** Names that a listing with these flags gives, joined. */
async function names(...flags: readonly string[]): Promise<string> {
  const ended = await bryo(['ps', '-a', '--format', '{{.Names}}', ...flags])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.trim().split('\n').join(' ')
}

const filter = (...filters: readonly string[]) => names(...filters.flatMap((text) => ['--filter', text]))

describe('bryo ps', () => {
  it('lists the oldest first, or by --sort; --last and --latest take the newest', async () => {
    await create('--name', 'b', IMAGE, 'true')
    await create('--name', 'c', IMAGE, 'false')
    await create('--name', 'a', IMAGE, 'echo')
    expect(await names()).toBe('b c a')
    expect(await names('--sort', 'names')).toBe('a b c')
    expect(await names('--sort', 'command')).toBe('a c b')
    expect(await names('--last', '2')).toBe('c a')
    expect(await names('--latest')).toBe('a')
    const docker = await world.command([DOCKER, 'ps', '-aq', '--format', '{{.Names}}'])
    expect(docker.stdout).toBe('a\nc\nb\n')
  })

  it('filters by state, exit code, name, id, label, mount, network and time', async () => {
    const first = await create('--name', 'first', '-l', 'x=1', '-l', 'y=2', '-v', 'data:/data', IMAGE, 'true')
    await create(
      '--name',
      'second',
      '-l',
      'x=1',
      '-v',
      `${world.work}:/here`,
      '--expose',
      '81',
      IMAGE,
      'true',
    )
    await exit('third', 3)
    expect(await filter('status=created')).toBe('first second')
    expect(await filter('status=created', 'status=exited')).toBe('first second third')
    expect(await filter('status=stopped', 'exited=3')).toBe('third')
    expect(await filter('exited=3', 'name=first')).toBe('')
    expect(await filter('name=^s', 'name=^t')).toBe('second third')
    expect(await filter(`id=${first.slice(0, 6)}`)).toBe('first')
    expect(await filter('label=x=1', 'label=y')).toBe('first')
    expect(await filter('volume=data')).toBe('first')
    expect(await filter(`volume=${world.work}:/here`)).toBe('second')
    expect(await filter('network=none', 'expose=81')).toBe('second')
    expect(await filter('network=slirp4netns')).toBe('')
    expect(await filter('since=first', 'before=third')).toBe('second')
    expect(await filter('until=1h')).toBe('')
    expect(await filter('ancestor=busybox')).toBe('first second third')
    expect(await filter('ancestor=other')).toBe('')
    expect(await filter('health=healthy')).toBe('')
  })

  it("counts the image's labels, and finds containers of an image by the one below it", async () => {
    expect(
      await bryo(['import', '-c', 'LABEL from=image', world.archive, 'localhost/labelled']),
    ).toMatchObject({
      code: 0,
    })
    await create('--name', 'heir', '-l', 'own=1', 'localhost/labelled', 'true')
    expect(await filter('label=from=image')).toBe('heir')
    expect(await names('--format', '{{.Labels}} {{.Label "from"}}')).toBe('map[from:image own:1] image')
    // The same layer.
    expect(await filter(`ancestor=${IMAGE}`)).toBe('heir')
  })

  it('shows namespaces, size and pods where asked', async () => {
    await whileRunning(['--name', 'up'], async () => {
      const namespaces = await bryo(['ps', '--ns', '--format', '{{.PIDNS}} {{.NET}} {{.Namespaces.MNT}}'])
      expect(namespaces.stdout).toMatch(/^\d+ \d+ \d+\n$/)
      expect((await bryo(['ps', '--ns'])).stdout).toMatch(/^CONTAINER ID +NAMES +PID +CGROUPNS +IPC/)
      expect((await bryo(['ps', '--size'])).stdout).toMatch(/SIZE\n.* \(virtual [0-9.]+MB\)\n$/)
      expect((await bryo(['ps', '--pod'])).stdout).toMatch(/POD ID +PODNAME/)
      expect((await bryo(['ps', '--format', '{{.Status}} {{.State}}'])).stdout).toMatch(/^Up .* running\n$/)
    })
  })

  it('shows health, and restarts with their count', async () => {
    const health = ['--health-cmd', 'true', '--health-interval', '1s']
    const shown = async (format: string) => (await bryo(['ps', '--format', format])).stdout
    expect(
      await bryo(['run', '-d', '--network', 'none', '--name', 'checked', ...health, IMAGE, 'sleep', '100']),
    ).toMatchObject({ code: 0 })
    await expect.poll(() => shown('{{.Status}}')).toMatch(/^Up .* \(healthy\)\n$/)
    expect(await filter('health=healthy', 'status=running')).toBe('checked')
    expect(await filter('health=unhealthy')).toBe('')
    await bryo(['rm', '--force', 'checked'])
    const restart = ['--restart', 'on-failure:2', '--name', 'failing']
    await bryo(['run', '-d', '--network', 'none', ...restart, IMAGE, 'sh', '-c', 'exit 3'])
    await expect.poll(() => names('--format', '{{.Restarts}} {{.Status}}')).toMatch(/^2 Exited \(3\) /)
    expect(await filter('restart-policy=on-failure')).toBe('failing')
  })

  it("prints Podman's JSON, and Docker's as docker", async () => {
    const created = await bryo(['create', '--name', 'one', '-l', 'a=b', '-p', '8080:80', IMAGE, 'true'])
    const id = created.stdout.trim()
    const [podman] = JSON.parse((await bryo(['ps', '-a', '--format', 'json'])).stdout) as [unknown]
    expect(podman).toMatchObject({
      Id: id,
      Names: ['one'],
      Command: ['true'],
      Labels: { a: 'b' },
      State: 'created',
      Status: 'Created',
      Exited: false,
      Pid: 0,
      Size: null,
      Ports: [{ host_ip: '', container_port: 80, host_port: 8080, range: 1, protocol: 'tcp' }],
    })
    const docker = await world.command([DOCKER, 'ps', '-a', '--format', 'json'])
    expect(JSON.parse(docker.stdout)).toMatchObject({ ID: id.slice(0, 12), Names: 'one', Labels: 'a=b' })
  })

  it('goes on with --watch until it is interrupted', async () => {
    await create('--name', 'seen', IMAGE, 'true')
    const watch = world.start(['ps', '-a', '--watch', '1'])
    await watch.said(/seen[\s\S]*seen/)
    watch.kill('SIGINT')
    expect((await watch.ended).code).toBe(130)
  })

  it.each([
    [['--filter', 'status=nope'], 'unknown container state: nope'],
    [['--filter', 'nope=x'], 'nope is an invalid filter'],
    [['--filter', 'name'], 'invalid filter "name"'],
    [['--filter', 'name=['], 'expected a regular expression'],
    [['--filter', 'exited=x'], 'expected an exit code'],
    [['--filter', 'before=nobody'], 'no container with name or ID "nobody" found: no such container'],
    [['--filter', 'until=soon'], '"soon" is no time'],
    [['--filter', 'health=fine'], 'invalid health status "fine"'],
    [['--format', '{{.ID'], 'template: format:1:1: unclosed action'],
    [['--format', '{{nope .ID}}'], 'function "nope" not defined'],
    [['--sort', 'nope'], 'invalid argument "nope" for "--sort" flag'],
    [['--last', '1', '--latest'], 'last and latest are mutually exclusive'],
    [['--quiet', '--size'], 'quiet conflicts with size and namespace'],
    [['--size', '--ns'], 'size and namespace options conflict'],
    [['--watch', '1', '--latest'], 'the watch and latest flags cannot be used together'],
  ])('refuses %j', async (flags, message) => {
    const ended = await bryo(['ps', ...flags])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
  })
})
