import { describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { openTerminal } from './support/terminal.ts'
import { BRYO, IMAGE, openWorld, type World } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']

describe('signals', () => {
  it.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)(
    '%s reaches the command, which decides',
    async (signal) => {
      const name = signal.slice(3)
      const script = `trap 'echo caught ${name}; exit 9' ${name}; echo up; while :; do sleep 1 & wait $!; done`
      const before = world.listing()
      const run = world.start(['run', '--rm', ...NO_NETWORK, IMAGE, 'sh', '-c', script])
      await run.said('up')
      run.kill(signal)
      expect(await run.ended).toMatchObject({ code: 9, stdout: `up\ncaught ${name}\n` })
      await world.expectUnchanged(before)
    },
  )

  it('end a command that does not catch them, with --init', async () => {
    const run = world.start([
      'run',
      '--rm',
      '--init',
      ...NO_NETWORK,
      IMAGE,
      'sh',
      '-c',
      'echo up; exec sleep 100',
    ])
    await run.said('up')
    run.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ code: 143 })
  })

  it('are not passed on with --sig-proxy=false', async () => {
    const run = world.start([
      'run',
      '--rm',
      '--name',
      'deaf',
      '--sig-proxy=false',
      ...NO_NETWORK,
      IMAGE,
      'sh',
      '-c',
      'trap "echo caught" TERM; echo up; while :; do sleep 1 & wait $!; done',
    ])
    await run.said('up')
    run.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ code: 143, stdout: 'up\n' })
    await expect.poll(() => processesOf(world.directory), { interval: 20 }).toEqual([])
    expect(await world.inside(NO_NETWORK, 'echo healed')).toBe('healed')
    expect((await bryo(['ps', '-aq'])).stdout).toBe('')
  })
})

describe('a killed client', () => {
  it.each([
    ['without a network', NO_NETWORK],
    ['with slirp4netns and a published port', ['-p', '127.0.0.1::80']],
    ['with fuse-overlayfs', ['--storage-driver', 'fuse-overlayfs', ...NO_NETWORK]],
  ])('%s leaves no process, and the next command heals the rest', async (_what, flags) => {
    const before = world.listing()
    const run = world.start(['run', '--rm', ...flags, IMAGE, 'sh', '-c', 'echo up; sleep 100'])
    await run.said('up')
    run.kill('SIGKILL')
    await run.ended
    await expect.poll(() => processesOf(world.directory), { interval: 20 }).toEqual([])
    expect(await world.inside(NO_NETWORK, 'echo healed')).toBe('healed')
    await world.expectUnchanged(before)
  })

  it('without --rm leaves a container that goes on, with its monitor', async () => {
    const before = world.listing()
    const command = ['sh', '-c', 'echo up; sleep 100']
    const run = world.start(['run', '--name', 'orphan', ...NO_NETWORK, IMAGE, ...command])
    await run.said('up')
    run.kill('SIGKILL')
    await run.ended
    expect((await bryo(['ps', '-a', '--format', '{{.State}}'])).stdout).toBe('running\n')
    expect(await bryo(['exec', 'orphan', 'echo', 'here'])).toMatchObject({ code: 0, stdout: 'here\n' })
    expect(await bryo(['rm', '-f', 'orphan'])).toMatchObject({ code: 0 })
    await world.expectUnchanged(before)
  })

  it('heals after a kill at any time of the start', async () => {
    const before = world.listing()
    for (let delayMs = 2; delayMs <= 80; delayMs += 6) {
      await killAfter(world, delayMs)
    }
    await expect.poll(() => processesOf(world.directory), { interval: 20 }).toEqual([])
    expect(await world.inside([], 'echo healed')).toBe('healed')
    await world.expectUnchanged(before)
  })
})

/** The delay is the object of the test: a kill at another step of the start each time. */
async function killAfter(world: World, delayMs: number): Promise<void> {
  const run = world.start(['run', '--rm', '-p', '127.0.0.1::80', IMAGE, 'sleep', '100'])
  const timer = setTimeout(() => run.kill('SIGKILL'), delayMs)
  await run.ended
  clearTimeout(timer)
}

describe('bryo run -t', () => {
  it('gives the command a terminal of its own with the size of the caller', async () => {
    const terminal = openTerminal(
      world,
      `bryo run --rm -it --network none ${IMAGE} sh -c 'tty; stty size; test -t 0 -a -t 1 -a -t 2 && echo all; echo $TERM'`,
    )
    expect((await terminal.ended).code).toBe(0)
    expect(terminal.text()).toContain('/dev/pts/0\n24 80\nall\nxterm\n')
  })

  it('passes on what is typed, and Ctrl-C to the command instead of bryo', async () => {
    const terminal = openTerminal(world, `bryo run --rm -it --network none ${IMAGE} sh; echo code $?`)
    await terminal.said(/[#$] /)
    terminal.write('echo typed $((6 * 7))\r')
    await terminal.said('typed 42')
    terminal.write('trap "echo interrupted" INT; echo ready=$?\r')
    await terminal.said('ready=0')
    terminal.write('\x03')
    await terminal.said('interrupted')
    terminal.write('exit 5\r')
    await terminal.ended
    expect(terminal.text()).toContain('code 5\n')
  })

  it('restores the terminal of the caller, also where the command is killed', async () => {
    const state = 'stty -g'
    const terminal = openTerminal(
      world,
      `a=$(${state}); bryo run --rm -it --network none ${IMAGE} sh -c 'stty raw -echo; exit 3'; b=$(${state}); bryo run --rm --init -it --network none ${IMAGE} sh -c 'kill -KILL $$'; c=$(${state}); test "$a" = "$b" -a "$b" = "$c" && echo same`,
    )
    await terminal.ended
    expect(terminal.text()).toMatch(/same\n$/)
  })

  it('follows a change of the size', async () => {
    const terminal = openTerminal(
      world,
      `tty > tty; bryo run --rm -it --network none ${IMAGE} sh -c 'trap "stty size | grep 97 && exit 0" WINCH; echo up; while :; do sleep 1 & wait $!; done'`,
    )
    await terminal.said('up')
    const tty = (await world.command(['cat', 'tty'])).stdout.trim()
    // stty sets rows and columns one after the other: two changes.
    expect(await world.command(['stty', '-F', tty, 'rows', '31', 'cols', '97'])).toMatchObject({ code: 0 })
    expect((await terminal.ended).code).toBe(0)
    expect(terminal.text()).toContain('31 97\n')
  })

  it('joins stdout and stderr, and works where standard input is no terminal', async () => {
    const ended = await bryo([
      'run',
      '--rm',
      '-t',
      ...NO_NETWORK,
      IMAGE,
      'sh',
      '-c',
      'echo out; echo err >&2',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: 'out\r\nerr\r\n', stderr: '' })
  })

  it('without -t in a terminal: Ctrl-C reaches the command once, as SIGINT', async () => {
    const terminal = openTerminal(
      world,
      `bryo run --rm --network none ${IMAGE} sh -c 'trap "echo caught; exit 4" INT; echo up; while :; do sleep 1 & wait $!; done'; echo code $?`,
    )
    await terminal.said('up')
    terminal.write('\x03')
    await terminal.ended
    expect(terminal.text().match(/caught/g)).toHaveLength(1)
  })
})

describe('--preserve-fds', () => {
  it('keeps as many descriptors as were asked for, and closes the others', async () => {
    const script = `exec 3</etc/hostname 4</etc/hostname 5</etc/hostname; "$1" run --rm --network none --preserve-fds 2 ${IMAGE} sh -c 'ls /proc/self/fd | tr "\\n" " "'`
    const ended = await world.command(['sh', '-c', script, '-', BRYO])
    // One more is the directory that ls reads.
    expect(ended.stdout.trim().split(' ').map(Number)).toEqual([0, 1, 2, 3, 4, expect.any(Number)])
  })

  it('is an error where a descriptor is missing, as its number may be one of bryo itself', async () => {
    const ended = await world.bryo(['run', '--rm', '--network', 'none', '--preserve-fds', '5', IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: file descriptor \d is not available/)
  })
})
