import { rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']
const SLEEP = [...NO_NETWORK, IMAGE, 'sleep', '1000']

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
  await expect.poll(() => processesOf(world.directory), { interval: 20 }).toEqual([])
})

describe('several commands at once', () => {
  it('start one container: it is started once, and all of them succeed', async () => {
    await bryo(['create', '--name', 'one', ...SLEEP])
    const ended = await Promise.all(times(8, () => bryo(['start', 'one'])))
    for (const each of ended) expect(each).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' })
    expect(
      (await bryo(['events', '--stream=false', '--filter', 'event=start'])).stdout.trim().split('\n'),
    ).toHaveLength(1)
  })

  it('remove one container by force: it is gone, and all of them succeed', async () => {
    await bryo(['run', '-d', '--name', 'one', ...SLEEP])
    const ended = await Promise.all(times(8, () => bryo(['rm', '--force', 'one'])))
    for (const each of ended) expect(each, each.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(await bryo(['ps', '-aq'])).toMatchObject({ stdout: '' })
  })

  it.each([[[]], [['--rm']]])('start and remove (run %s): the container runs or is gone', async (flags) => {
    for (let round = 0; round < 8; round++) {
      const started = bryo(['run', '-d', ...flags, '--name', 'young', ...SLEEP])
      await expect.poll(async () => (await bryo(['ps', '-aq'])).stdout, { interval: 1 }).not.toBe('')
      expect(await bryo(['rm', '--force', 'young'])).toMatchObject({ code: 0, stderr: '' })
      expect((await started).stderr).not.toContain('fault of bryo')
      expect(await bryo(['ps', '-aq'])).toMatchObject({ stdout: '' })
    }
  })

  it('start one container with --rm: it is started once, and none is left behind', async () => {
    for (let round = 0; round < 4; round++) {
      const { stdout: id } = await bryo(['create', '--rm', '--name', 'one', ...SLEEP])
      const ended = await Promise.all(times(4, () => bryo(['start', 'one'])))
      for (const each of ended) expect(each).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' })
      const filters = ['--filter', 'event=start', '--filter', `container=${id.trim()}`]
      const started = ['events', '--stream=false', ...filters]
      expect((await bryo(started)).stdout.trim().split('\n')).toHaveLength(1)
      expect(await bryo(['rm', '--force', 'one'])).toMatchObject({ code: 0 })
    }
  })

  it.each([
    ['', []],
    [' with --rm', ['--rm']],
    [' that is always restarted', ['--restart', 'always']],
  ])(
    'make, initialize, start, stop and remove a container%s: nothing of it is out of reach',
    async (_, flags) => {
      const commands = [
        ['create', ...flags, '--name', 'busy', ...SLEEP],
        ['init', 'busy'],
        ['start', 'busy'],
        ['stop', '--time', '0', 'busy'],
        ['run', '-d', ...flags, '--name', 'busy', ...SLEEP],
        ['init', '--all'],
        ['cp', 'busy:/etc/passwd', '-'],
        ['restart', '--time', '0', 'busy'],
        ['rm', 'busy'],
        ['start', 'busy'],
        ['rm', '--force', 'busy'],
      ]
      // Each worker goes its own way through them.
      const worker = async (step: number) => {
        for (let at = 0; at < 2 * commands.length; at += 1) {
          const args = commands[(step * (at + 1)) % commands.length] ?? []
          const { stderr } = await bryo(args)
          expect(stderr, args.join(' ')).not.toContain('fault of bryo')
        }
      }
      await Promise.all(times(4, (index) => worker(index + 1)))
      expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
      expect(await bryo(['ps', '-aq'])).toMatchObject({ stdout: '' })
      expect(await bryo(['system', 'check'])).toMatchObject({ code: 0, stdout: '' })
    },
  )

  it('add processes to a container that ends: they end with it, or say that it has', async () => {
    for (let round = 0; round < 4; round++) {
      await bryo(['run', '-d', '--name', 'short', ...NO_NETWORK, IMAGE, 'sleep', '0.2'])
      const ended = await Promise.all(times(4, () => bryo(['exec', 'short', 'sleep', '100'])))
      for (const { code, stderr } of ended) {
        expect([125, 137], stderr).toContain(code)
        if (code === 125) expect(stderr).toContain('can only create exec sessions on running containers')
      }
      await bryo(['rm', '--force', 'short'])
    }
  })
})

describe('a container that its restart policy starts again and again', () => {
  it('is stopped at any time, for good', async () => {
    for (let round = 0; round < 5; round++) {
      await bryo(['run', '-d', '--restart', 'always', '--name', 'again', ...NO_NETWORK, IMAGE, 'false'])
      await bryo(['wait', '--condition', 'exited', 'again'])
      expect(await bryo(['stop', '--time', '1', 'again'])).toMatchObject({ code: 0, stderr: '' })
      const { stdout } = await bryo(['inspect', '--format', '{{.State.Status}} {{.RestartCount}}', 'again'])
      await bryo(['wait', 'again'])
      expect(
        await bryo(['inspect', '--format', '{{.State.Status}} {{.RestartCount}}', 'again']),
      ).toMatchObject({
        stdout,
      })
      await bryo(['rm', '--force', 'again'])
    }
  })

  it('still is after a signal that only tells it something', async () => {
    const script = 'trap "exit 1" USR1; while :; do sleep 0.05; done'
    await bryo([
      'run',
      '-d',
      '--restart',
      'always',
      '--name',
      'told',
      ...NO_NETWORK,
      IMAGE,
      'sh',
      '-c',
      script,
    ])
    await bryo(['exec', 'told', 'sleep', '0.2'])
    await bryo(['kill', '--signal', 'USR1', 'told'])
    await expect
      .poll(() => bryo(['inspect', '--format', '{{.RestartCount}} {{.State.Status}}', 'told']))
      .toMatchObject({ stdout: '1 running\n' })
  })
})

describe('a container whose runtime directory was wiped', () => {
  it('is listed, entered, logged, stopped and started again; attach says why it cannot', async () => {
    await bryo([
      'run',
      '-d',
      '--name',
      'wiped',
      ...NO_NETWORK,
      IMAGE,
      'sh',
      '-c',
      'echo said; exec sleep 100',
    ])
    await expect.poll(async () => (await bryo(['logs', 'wiped'])).stdout).toBe('said\n')
    rmSync(world.runRoot, { recursive: true })
    expect((await bryo(['ps', '--format', '{{.Names}}'])).stdout).toBe('wiped\n')
    expect(await bryo(['exec', 'wiped', 'echo', 'inside'])).toMatchObject({ stdout: 'inside\n', stderr: '' })
    expect((await bryo(['attach', 'wiped'])).stderr).toContain(
      'its socket is gone from the runtime directory',
    )
    expect(await bryo(['stop', '-t', '0', 'wiped'])).toMatchObject({ code: 0 })
    expect(await bryo(['start', 'wiped'])).toMatchObject({ code: 0 })
    expect(await bryo(['exec', 'wiped', 'true'])).toMatchObject({ code: 0 })
  })
})

describe('a client of the attach socket that speaks nonsense', () => {
  it('does not end the container', async () => {
    const { stdout } = await bryo(['run', '-d', '--name', 'calm', ...SLEEP])
    const directory = `${world.runRoot}/containers/${stdout.trim()}`
    const script =
      'import os,socket,sys\nos.chdir(sys.argv[1])\nfor word in [b"h{", b"h", b"hnull", b"", b"w", b"i"+b"x"*100000]:\n' +
      ' s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.connect("attach.sock"); s.send(word); s.close()'
    expect(await world.command(['python3', '-c', script, directory])).toMatchObject({ code: 0, stderr: '' })
    expect(await bryo(['exec', 'calm', 'true'])).toMatchObject({ code: 0 })
  })
})
