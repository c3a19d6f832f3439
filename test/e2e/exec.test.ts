import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { openTerminal } from './support/terminal.ts'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

const NAME = 'target'
const exec = (...args: readonly string[]) => bryo(['exec', ...args])

beforeAll(async () => {
  const flags = ['-e', 'OF=container', '-w', '/tmp', '--cap-drop', 'CHOWN', '--umask', '027']
  const ended = await bryo(['run', '-d', '--name', NAME, ...flags, IMAGE, 'sleep', '1000'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
})

afterAll(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

describe('bryo exec', () => {
  it('runs a command in all namespaces of the container', async () => {
    const links = await exec(
      NAME,
      'sh',
      '-c',
      'for n in /proc/1/ns/*; do test "$(readlink $n)" = "$(readlink /proc/self/ns/${n##*/})" || echo $n; done',
    )
    expect(links).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await exec(NAME, 'hostname')).stdout).toBe(
      (await bryo(['inspect', '--format', '{{slice .Id 0 12}}', NAME])).stdout,
    )
  })

  it("has the container's environment, directory, mask and capabilities", async () => {
    expect((await exec(NAME, 'sh', '-c', 'echo $OF $HOME; pwd; umask')).stdout).toBe(
      'container /root\n/tmp\n0027\n',
    )
    const status = (pid: string) =>
      exec(NAME, 'grep', '-E', '^(Cap|NoNewPrivs|Seccomp)', `/proc/${pid}/status`)
    expect((await status('self')).stdout).toBe((await status('1')).stdout)
  })

  it('has what was asked for instead', async () => {
    const ended = await exec(
      '-e',
      'OF=exec',
      '-w',
      '/bin',
      '-u',
      '1000:1001',
      NAME,
      'sh',
      '-c',
      'echo $OF; pwd; id -u; id -g',
    )
    expect(ended).toMatchObject({ code: 0, stdout: 'exec\n/bin\n1000\n1001\n' })
    expect((await exec('--privileged', NAME, 'grep', 'CapEff', '/proc/self/status')).stdout).toContain(
      '1ffffffffff',
    )
  })

  it('gives the exit code, 128 and the signal, 126 and 127', async () => {
    expect((await exec(NAME, 'sh', '-c', 'exit 7')).code).toBe(7)
    expect((await exec(NAME, 'sh', '-c', 'kill -9 $$')).code).toBe(137)
    expect(await exec(NAME, 'no-such-command')).toMatchObject({ code: 127, stdout: '' })
    expect(await exec(NAME, '/etc')).toMatchObject({ code: 126, stdout: '' })
    expect(await exec('-w', '/missing', NAME, 'true')).toMatchObject({ code: 125, stdout: '' })
    expect(await exec('-u', 'nobody-knows', NAME, 'true')).toMatchObject({ code: 125, stdout: '' })
  })

  it('passes standard input on only with -i, and keeps output and error apart', async () => {
    expect(await bryo(['exec', '-i', NAME, 'cat'], { input: 'typed\n' })).toMatchObject({ stdout: 'typed\n' })
    expect(await bryo(['exec', NAME, 'cat'], { input: 'typed\n' })).toMatchObject({ code: 0, stdout: '' })
    expect(await exec(NAME, 'sh', '-c', 'echo out; echo err >&2')).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  it('passes signals on', async () => {
    const running = world.start([
      'exec',
      NAME,
      'sh',
      '-c',
      'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.05; done',
    ])
    await running.said('ready')
    running.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 9, stdout: 'ready\ncaught\n' })
  })

  it('ends the command when it is killed itself', async () => {
    const running = world.start(['exec', NAME, 'sh', '-c', 'echo ready; sleep 77'])
    await running.said('ready')
    running.kill('SIGKILL')
    await running.ended
    await expect.poll(async () => (await exec(NAME, 'ps')).stdout).not.toContain('ready')
  })

  it('with -d leaves the command in the background', async () => {
    expect(await exec('-d', NAME, 'sh', '-c', 'sleep 0.1; echo done > /tmp/mark')).toMatchObject({
      code: 0,
      stdout: '',
    })
    await expect.poll(async () => (await exec(NAME, 'cat', '/tmp/mark')).stdout).toBe('done\n')
  })

  it('with -d does not hold the output of its caller open', async () => {
    const ended = await world.command(['sh', '-c', `"$0" exec -d ${NAME} sleep 1000 | cat; echo over`, BRYO])
    expect(ended).toMatchObject({ code: 0, stdout: 'over\n' })
  })

  it('is left by the detach keys, and the command goes on', async () => {
    const terminal = openTerminal(world, `bryo exec -it ${NAME} sh; echo code=$?`)
    await terminal.said(/[#$] /)
    terminal.write('(sleep 0.3; echo late > /tmp/late); sleep 1000\r')
    terminal.write('\x10\x11')
    await terminal.said('code=0')
    await terminal.ended
    await expect.poll(async () => (await exec(NAME, 'cat', '/tmp/late')).stdout).toBe('late\n')
  })

  it('with -it has a terminal of the container, of the size of the caller', async () => {
    const terminal = openTerminal(world, `bryo exec -it ${NAME} sh -c 'tty; stty size; exit 3'; echo code=$?`)
    await terminal.said('code=3')
    expect(terminal.text()).toMatch(/\/dev\/pts\/\d+\n24 80\n/)
    await terminal.ended
  })

  it("gives a command without -t a pipe, not the caller's terminal", async () => {
    const terminal = openTerminal(
      world,
      `bryo exec -i ${NAME} sh -c 'test -t 0 || test -t 1 || test -t 2 || echo none'`,
    )
    await terminal.said('none')
    await terminal.ended
  })

  it('runs 100 commands, 10 at a time', async () => {
    for (let round = 0; round < 10; round++) {
      const all = await Promise.all(Array.from({ length: 10 }, () => exec(NAME, 'echo', 'here')))
      for (const ended of all) expect(ended).toMatchObject({ code: 0, stdout: 'here\n', stderr: '' })
    }
    const left = processesOf(world.directory).filter(({ command }) => command.startsWith('echo'))
    expect(left).toEqual([])
  })

  it('refuses a container that rests, an unknown one, and no command', async () => {
    await bryo(['create', '--name', 'rests', IMAGE, 'true'])
    expect(await exec('rests', 'true')).toMatchObject({ code: 125, stdout: '' })
    expect(await exec('nobody', 'true')).toMatchObject({ code: 125, stdout: '' })
    expect(await exec(NAME)).toMatchObject({ code: 125, stdout: '' })
  })
})

describe.each([['keep-id'], ['nomap'], ['auto']])('bryo exec with --userns %s', (mode) => {
  it('is the same user as the first process', async () => {
    const name = `as-${mode}`
    const run = await bryo([
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      '--userns',
      mode,
      IMAGE,
      'sleep',
      '100',
    ])
    expect(run, run.stderr).toMatchObject({ code: 0 })
    const first = await exec(name, 'sh', '-c', 'stat -c %u:%g /proc/1; id -u')
    const [owner = '', id = ''] = first.stdout.split('\n')
    expect(owner.split(':')[0]).toBe(id)
  })
})

it('bryo exec on fuse-overlayfs sees the same root', async () => {
  const flags = ['--storage-driver', 'fuse-overlayfs', 'run', '-d', '--name', 'fused', '--network', 'none']
  expect(await bryo([...flags, IMAGE, 'sh', '-c', 'echo x > /made; sleep 100'])).toMatchObject({ code: 0 })
  await expect.poll(async () => (await exec('fused', 'cat', '/made')).stdout).toBe('x\n')
})
