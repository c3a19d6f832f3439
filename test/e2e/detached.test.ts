import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { openTerminal } from './support/terminal.ts'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']

const detach = async (
  name: string,
  flags: readonly string[],
  ...command: readonly string[]
): Promise<string> => {
  const ended = await bryo(['run', '-d', '--name', name, ...NO_NETWORK, ...flags, IMAGE, ...command])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.trim()
}

const field = async (name: string, template: string): Promise<string> =>
  (await bryo(['inspect', '--format', template, name])).stdout.trim()

const becomes = async (name: string, template: string, value: string | RegExp): Promise<void> => {
  await expect.poll(() => field(name, template), { interval: 50 }).toMatch(value)
}

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
  await expect.poll(() => processesOf(world.directory), { interval: 20 }).toEqual([])
})

describe('bryo run --detach', () => {
  it('prints the id, and leaves the container running with a log', async () => {
    const id = await detach('web', [], 'sh', '-c', 'echo out; echo err >&2; exec sleep 100')
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await field('web', '{{.State.Status}} {{.Id}}')).toBe(`running ${id}`)
    await expect
      .poll(() => bryo(['logs', 'web']))
      .toMatchObject({ code: 0, stdout: 'out\n', stderr: 'err\n' })
  })

  it('records the exit code of a command that ends', async () => {
    await detach('short', [], 'sh', '-c', 'exit 7')
    await becomes('short', '{{.State.Status}} {{.State.ExitCode}}', 'exited 7')
  })

  it('with --rm removes the container after its end', async () => {
    const before = world.listing()
    await detach('once', ['--rm'], 'true')
    await world.expectUnchanged(before)
  })

  it('reports a command that cannot be executed, and leaves no process', async () => {
    const ended = await bryo(['run', '-d', '--name', 'wrong', ...NO_NETWORK, IMAGE, 'no-such-command'])
    expect(ended).toMatchObject({ code: 127, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: cannot execute "no-such-command"/)
  })

  it('does not hold the pipe of its caller open', async () => {
    const ended = await world.command([
      'sh',
      '-c',
      `id=$("$0" run -d ${NO_NETWORK.join(' ')} ${IMAGE} sleep 100); echo "got $id"`,
      BRYO,
    ])
    expect(ended.stdout).toMatch(/^got [0-9a-f]{64}\n$/)
  })

  it('kills a container after --timeout', async () => {
    await detach('timed', ['--timeout', '1'], 'sleep', '100')
    await becomes('timed', '{{.State.ExitCode}}', '137')
  })

  it('keeps 100 containers running at once, each with its own monitor', async () => {
    for (let group = 0; group < 10; group++) {
      const names = Array.from({ length: 10 }, (_, index) => `many${group * 10 + index}`)
      await Promise.all(names.map((name) => detach(name, [], 'sleep', '1000')))
    }
    expect((await bryo(['ps', '-q'])).stdout.trim().split('\n')).toHaveLength(100)
    expect(await bryo(['stop', '--all', '--time', '0'])).toMatchObject({ code: 0 })
    expect((await bryo(['ps', '-q'])).stdout).toBe('')
  })
})

describe('bryo stop', () => {
  it('sends the stop signal and waits for the end', async () => {
    await detach('polite', [], 'sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done')
    await expect.poll(() => bryo(['logs', 'polite'])).toMatchObject({ stdout: 'ready\n' })
    expect(await bryo(['stop', 'polite'])).toMatchObject({ code: 0, stdout: 'polite\n', stderr: '' })
    expect(await field('polite', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 3')
  })

  it('kills what does not end in time, with a warning', async () => {
    await detach('deaf', ['--stop-timeout', '0'], 'sleep', '100')
    expect(await bryo(['stop', 'deaf'])).toMatchObject({ code: 0, stdout: 'deaf\n' })
    expect(await field('deaf', '{{.State.ExitCode}}')).toBe('137')
    await bryo(['start', 'deaf'])
    const ended = await bryo(['stop', '-t', '1', 'deaf'])
    expect(ended.code).toBe(0)
    expect(ended.stderr).toMatch(/^Warning: SIGTERM failed to stop container deaf in 1 seconds/)
  })

  it('takes a container that has ended for stopped, and refuses an unknown one', async () => {
    await detach('over', [], 'true')
    await becomes('over', '{{.State.Status}}', 'exited')
    expect(await bryo(['stop', 'over'])).toMatchObject({ code: 0, stdout: 'over\n' })
    expect(await bryo(['stop', 'nobody'])).toMatchObject({ code: 125, stdout: '' })
    expect(await bryo(['stop', '--ignore', 'nobody'])).toMatchObject({ code: 0, stdout: '' })
  })
})

describe('bryo kill', () => {
  it('sends any signal, by name or number', async () => {
    await detach('trapped', [], 'sh', '-c', 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done')
    await expect.poll(() => bryo(['logs', 'trapped'])).toMatchObject({ stdout: 'ready\n' })
    expect(await bryo(['kill', '-s', 'USR1', 'trapped'])).toMatchObject({ code: 0, stdout: 'trapped\n' })
    await expect.poll(() => bryo(['logs', 'trapped'])).toMatchObject({ stdout: 'ready\nusr1\n' })
    expect(await bryo(['kill', '--signal', '9', 'trapped'])).toMatchObject({ code: 0 })
    await becomes('trapped', '{{.State.ExitCode}}', '137')
  })

  it('refuses a container that does not run', async () => {
    await bryo(['create', '--name', 'cold', IMAGE, 'true'])
    const ended = await bryo(['kill', 'cold'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('can only kill running containers')
  })
})

describe('bryo start and restart', () => {
  it('start what has ended, with what it wrote', async () => {
    await detach('again', [], 'sh', '-c', 'echo x >> /count; sleep 100')
    const count = async () => (await bryo(['exec', 'again', 'wc', '-l', '/count'])).stdout
    await expect.poll(count).toBe('1 /count\n')
    expect(await bryo(['restart', '-t', '0', 'again'])).toMatchObject({ code: 0, stdout: 'again\n' })
    await expect.poll(count).toBe('2 /count\n')
  })

  it('start a running container: nothing happens', async () => {
    await detach('up', [], 'sleep', '100')
    expect(await bryo(['start', 'up'])).toMatchObject({ code: 0, stdout: 'up\n', stderr: '' })
  })

  it('start several, and name the one that is not there', async () => {
    for (const name of ['one', 'two'])
      await bryo(['create', '--name', name, ...NO_NETWORK, IMAGE, 'sleep', '100'])
    const ended = await bryo(['start', 'one', 'nobody', 'two'])
    expect(ended).toMatchObject({ code: 125, stdout: 'one\ntwo\n' })
    expect(ended.stderr).toContain('nobody')
  })
})

describe('--filter of start, stop, restart and rm', () => {
  it('starts after a boot what is to be started then', async () => {
    const policies = { a: 'always', u: 'unless-stopped', n: 'no' }
    for (const [name, policy] of Object.entries(policies)) {
      await bryo(['create', '--name', name, ...NO_NETWORK, '--restart', policy, IMAGE, 'sleep', '100'])
    }
    await detach('s', ['--restart', 'unless-stopped'], 'sleep', '100')
    await bryo(['stop', '-t', '0', 's'])
    const running = async () => (await bryo(['ps', '--format', '{{.Names}}'])).stdout
    expect(await bryo(['start', '--all', '--filter', 'restart-policy=always'])).toMatchObject({ code: 0 })
    expect(await running()).toBe('a\n')
    expect(await bryo(['start', '--filter', 'should-start-on-boot=true'])).toMatchObject({ code: 0 })
    expect(await running()).toBe('a\nu\n')
    expect(await bryo(['stop', '-t', '0', '--filter', 'name=a'])).toMatchObject({ code: 0 })
    expect(await bryo(['restart', '--filter', 'name=n'])).toMatchObject({ code: 0 })
    expect(await bryo(['rm', '-f', '--filter', 'status=running'])).toMatchObject({ code: 0 })
    expect((await bryo(['ps', '-a', '--format', '{{.Names}}'])).stdout).toBe('a\ns\n')
    expect(await bryo(['start', '--filter', 'name=a', 's'])).toMatchObject({ code: 125 })
  })
})

describe('a restart policy', () => {
  it('starts a container again until it has failed too often', async () => {
    await detach('flaky', ['--restart', 'on-failure:2'], 'sh', '-c', 'echo run; exit 3')
    await becomes('flaky', '{{.RestartCount}} {{.State.Status}}', '2 exited')
    await expect.poll(() => bryo(['logs', 'flaky'])).toMatchObject({ stdout: 'run\nrun\nrun\n' })
  })

  it('leaves alone what ended well, and what was stopped', async () => {
    await detach('fine', ['--restart', 'on-failure'], 'true')
    await becomes('fine', '{{.State.Status}}', 'exited')
    expect(await field('fine', '{{.RestartCount}}')).toBe('0')
    await detach('stubborn', ['--restart', 'always'], 'sleep', '100')
    await bryo(['stop', '-t', '0', 'stubborn'])
    expect(await field('stubborn', '{{.State.Status}} {{.RestartCount}}')).toBe('exited 0')
  })

  it('keeps a service alive through kills, in the process of its monitor', async () => {
    await detach('service', ['--restart', 'always'], 'sleep', '100')
    const monitor = await field('service', '{{.State.ConmonPid}}')
    process.kill(Number(await field('service', '{{.State.Pid}}')), 'SIGKILL')
    await becomes('service', '{{.RestartCount}} {{.State.Status}}', '1 running')
    expect(await field('service', '{{.State.ConmonPid}}')).toBe(monitor)
    expect(await bryo(['exec', 'service', 'echo', 'alive'])).toMatchObject({ stdout: 'alive\n' })
  })

  it('is refused with --rm', async () => {
    const ended = await bryo(['run', '-d', '--rm', '--restart', 'always', IMAGE])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
  })
})

describe('a health check', () => {
  const check = ['--health-cmd', 'test -f /ok', '--health-interval', '100ms', '--health-retries', '2']

  it('goes from starting over unhealthy to healthy', async () => {
    await detach('checked', check, 'sleep', '100')
    await becomes('checked', '{{.State.Health.Status}}', 'unhealthy')
    expect((await bryo(['ps', '--format', '{{.Status}}'])).stdout).toContain('(unhealthy)')
    expect(await bryo(['healthcheck', 'run', 'checked'])).toMatchObject({ code: 1, stdout: 'unhealthy\n' })
    await bryo(['exec', 'checked', 'touch', '/ok'])
    await becomes('checked', '{{.State.Health.Status}}', 'healthy')
    expect(await bryo(['healthcheck', 'run', 'checked'])).toMatchObject({ code: 0, stdout: '' })
  })

  it('kills, and the restart policy starts again', async () => {
    await detach('cured', [...check, '--health-on-failure', 'kill', '--restart', 'always'], 'sleep', '100')
    await becomes('cured', '{{.RestartCount}}', /^[1-9]/)
  })

  it('counts as failed when it takes too long', async () => {
    await detach(
      'slow',
      ['--health-cmd', 'sleep 100', '--health-timeout', '100ms', '--health-interval', 'disable'],
      'sleep',
      '100',
    )
    expect(await bryo(['healthcheck', 'run', 'slow'])).toMatchObject({ code: 1 })
    expect(await field('slow', '{{(index .State.Health.Log 0).ExitCode}}')).toBe('-1')
  })

  it('is refused where there is none, and where the container rests', async () => {
    await detach('plain', [], 'sleep', '100')
    expect(await bryo(['healthcheck', 'run', 'plain'])).toMatchObject({ code: 125 })
    await bryo(['create', '--name', 'rests', '--health-cmd', 'true', IMAGE, 'true'])
    expect(await bryo(['healthcheck', 'run', 'rests'])).toMatchObject({ code: 125 })
  })
})

describe('bryo wait', () => {
  it('prints the exit code of what has ended and of what ends, also with --rm', async () => {
    await detach('ends', [], 'sh', '-c', 'exit 4')
    await becomes('ends', '{{.State.Status}}', 'exited')
    await detach('later', ['--rm', '-i'], 'sh', '-c', 'while [ ! -f /go ]; do sleep 0.05; done; exit 5')
    const waiting = world.start(['wait', 'ends', 'later'])
    await waiting.said('4')
    await bryo(['exec', 'later', 'touch', '/go'])
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: '4\n5\n' })
  })

  it('waits for a condition', async () => {
    await bryo(['create', '--name', 'soon', ...NO_NETWORK, IMAGE, 'sleep', '100'])
    const waiting = world.start(['wait', '--condition', 'running', '--interval', '20ms', 'soon'])
    await bryo(['start', 'soon'])
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: '-1\n' })
    expect(await bryo(['wait', '--condition', 'sleepy', 'soon'])).toMatchObject({ code: 125 })
  })
})

describe('bryo attach', () => {
  it('gives the output from now on to several clients, and each the exit code', async () => {
    await detach(
      'shared',
      ['-i'],
      'sh',
      '-c',
      'while :; do echo for all; sleep 0.05; done & read end; exit 6',
    )
    const clients = [1, 2].map(() => world.start(['attach', '--no-stdin', 'shared']))
    const typist = world.start(['attach', 'shared'])
    await becomes('shared', '{{.State.Status}}', 'running')
    for (const client of [...clients, typist]) await client.said('for all')
    typist.write('end\n')
    for (const client of [...clients, typist]) expect((await client.ended).code).toBe(6)
  })

  it('refuses a container that rests', async () => {
    await bryo(['create', '--name', 'rests', IMAGE, 'true'])
    const ended = await bryo(['attach', 'rests'])
    expect(ended).toMatchObject({ code: 125 })
    expect(ended.stderr).toContain('you can only attach to running containers')
  })

  it('detaches by keys and attaches again, and nothing is lost meanwhile', async () => {
    const first = openTerminal(world, `bryo run -it --name shell --network none ${IMAGE} sh; echo code=$?`)
    await first.said(/[#$] /)
    first.write('x=kept; (sleep 0.2; echo meanwhile) & \r')
    first.write('\x10\x11')
    await first.said('code=0')
    await first.ended
    const second = openTerminal(world, 'bryo attach shell; echo code=$?')
    second.write('\recho "x is $x"\r')
    await second.said('x is kept')
    second.write('exit 5\r')
    await second.said('code=5')
    await second.ended
    expect((await bryo(['logs', 'shell'])).stdout).toContain('meanwhile')
  })

  it('with other detach keys, and with none', async () => {
    await detach('keys', ['-it'], 'cat')
    const terminal = openTerminal(world, 'bryo attach --detach-keys ctrl-x,d keys; echo code=$?')
    terminal.write('typed\r')
    await terminal.said('typed')
    terminal.write('\x10\x11')
    terminal.write('\x18d')
    await terminal.said('code=0')
    await terminal.ended
    expect(await bryo(['attach', '--detach-keys', 'nonsense', 'keys'])).toMatchObject({ code: 125 })
  })
})

describe('when something is killed', () => {
  it('the monitor: the container ends, and the end is recognised', async () => {
    await detach('lost', [], 'sleep', '100')
    process.kill(Number(await field('lost', '{{.State.ConmonPid}}')), 'SIGKILL')
    await becomes('lost', '{{.State.Status}}', 'exited')
    expect((await bryo(['ps', '-a', '--format', '{{.Status}}'])).stdout).toContain('unknown')
    expect(await bryo(['start', 'lost'])).toMatchObject({ code: 0 })
  })

  it.each(['SIGTERM', 'SIGURG'] as const)(
    'the monitor, by %s as soon as it can be known: it stops the container all the same',
    async (signal) => {
      const pidfile = `${world.makeDirectory(`early-${signal}`)}/pid`
      for (const name of [`${signal}-1`, `${signal}-2`, `${signal}-3`]) {
        await detach(name, ['--stop-timeout', '1', '--conmon-pidfile', pidfile], 'sleep', '100')
        process.kill(Number(readFileSync(pidfile, 'utf8')), signal)
        await becomes(name, '{{.State.Status}} {{.State.ExitCode}}', 'exited 137')
      }
    },
  )

  it('the monitor, by SIGTERM: it stops the container first, which stays stopped', async () => {
    await detach('told', ['--restart', 'always', '--stop-timeout', '1'], 'sleep', '100')
    process.kill(Number(await field('told', '{{.State.ConmonPid}}')), 'SIGTERM')
    await becomes('told', '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}', 'exited 137 0')
    const script = 'trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done'
    await detach('asked', ['--stop-signal', 'USR1'], 'sh', '-c', script)
    await expect.poll(() => bryo(['logs', 'asked'])).toMatchObject({ stdout: 'ready\n' })
    process.kill(Number(await field('asked', '{{.State.ConmonPid}}')), 'SIGTERM')
    await becomes('asked', '{{.State.Status}} {{.State.ExitCode}}', 'exited 5')
  })

  it('the first process: the monitor records it', async () => {
    await detach('shot', [], 'sleep', '100')
    process.kill(Number(await field('shot', '{{.State.Pid}}')), 'SIGKILL')
    await becomes('shot', '{{.State.Status}} {{.State.ExitCode}}', 'exited 137')
  })

  it('bryo run -d, at any time: the container runs or is gone, and nothing is between', async () => {
    const before = world.listing()
    for (let delayMs = 2; delayMs <= 60; delayMs += 4) {
      const run = world.start(['run', '-d', '--rm', ...NO_NETWORK, IMAGE, 'sleep', '100'])
      // The delay is the object of the test: a kill at another step each time.
      const timer = setTimeout(() => run.kill('SIGKILL'), delayMs)
      await run.ended
      clearTimeout(timer)
    }
    await bryo(['rm', '--all', '--force'])
    await world.expectUnchanged(before)
  })
})
