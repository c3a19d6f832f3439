import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { TEST_USER } from './support/user.ts'
import { give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

async function whileRunning(
  flags: readonly string[],
  script: string,
  act: () => Promise<void>,
): Promise<void> {
  const run = world.start(['run', '--network', 'none', ...flags, IMAGE, 'sh', '-c', script])
  await run.said('up')
  await act()
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
  await run.ended
}

async function rows(...args: readonly string[]): Promise<readonly (readonly string[])[]> {
  const ended = await bryo(args)
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))
}

describe('bryo top', () => {
  it("shows processes with the container's pids, and those of later ones", async () => {
    const script = 'sleep 111 & sleep 112 & echo up; wait'
    await whileRunning(['--name', 'busy'], script, async () => {
      const [heading, first, ...others] = await rows('top', 'busy', 'pid,ppid', 'args')
      expect(heading).toEqual(['PID', 'PPID', 'COMMAND'])
      expect(first).toEqual(['1', '0', `sh -c ${script}`])
      expect(others.map(([, parent, args]) => `${parent} ${args}`)).toEqual(['1 sleep 111', '1 sleep 112'])
    })
  })

  it("names users as the container's files do, and ids where they do not", async () => {
    const passwd = join(world.makeDirectory('etc'), 'passwd')
    writeFileSync(passwd, 'root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n')
    give(passwd)
    const flags = ['--name', 'named', '-u', '33:4444', '--passwd=false', '-v', `${passwd}:/etc/passwd:ro`]
    await whileRunning(flags, 'echo up; exec sleep 100', async () => {
      expect(await rows('top', 'named', 'user', 'ruser', 'group', 'args')).toEqual([
        ['USER', 'RUSER', 'GROUP', 'COMMAND'],
        ['web', 'web', '4444', 'sleep 100'],
      ])
    })
  })

  it('names users also where only processes inside may read the files', async () => {
    const flags = ['--name', 'kept', '--userns', 'keep-id']
    await whileRunning(flags, 'echo up; exec sleep 100', async () => {
      expect(await rows('top', 'kept', 'user', 'pid')).toEqual([
        ['USER', 'PID'],
        [TEST_USER.name, '1'],
      ])
    })
  })

  it.each([
    ['a pipe', 'mkfifo /etc/passwd'],
    ['a link out of the root', 'ln -s /../../../../../../etc/passwd.host /etc/passwd'],
    ['a link to itself', 'ln -s passwd /etc/passwd'],
    ['a directory', 'mkdir /etc/passwd'],
    ['a device that never ends', 'ln -s /dev/zero /etc/passwd'],
  ])('shows numbers where /etc/passwd is %s', async (_, make) => {
    const script = `rm -f /etc/passwd; ${make}; echo up; exec sleep 100`
    await whileRunning(['--name', 'hostile', '--passwd=false'], script, async () => {
      expect(await rows('top', 'hostile', 'user,pid')).toEqual([
        ['USER', 'PID'],
        ['0', '1'],
      ])
    })
  })

  it('shows what protects a process', async () => {
    await whileRunning(['--name', 'bound', '--cap-drop', 'all'], 'echo up; exec sleep 100', async () => {
      expect(await rows('top', 'bound', 'capeff,capbnd,seccomp,state')).toEqual([
        ['EFFECTIVE CAPS', 'BOUNDING CAPS', 'SECCOMP', 'STATE'],
        ['none', 'none', 'filter', 'S'],
      ])
    })
  })

  it("never runs the container's ps, but the host's", async () => {
    const script =
      'echo "#!/bin/sh" > /bin/ps; echo "touch /ran; echo PID; echo 1" >> /bin/ps; chmod +x /bin/ps'
    await whileRunning(['--name', 'trap'], `rm -f /bin/ps; ${script}; echo up; exec sleep 123`, async () => {
      const [heading, row, ...more] = await rows('top', 'trap', '-eo', 'pid,args')
      expect([heading, more]).toEqual([['PID COMMAND'], []])
      expect(row?.[0]).toMatch(/^\d+ sleep 123$/)
      const [pid] = await rows('inspect', '--format', '{{.State.Pid}}', 'trap')
      expect(row?.[0]).toBe(`${pid} sleep 123`)
      expect((await world.command(['ls', `/proc/${pid}/root/ran`])).code).not.toBe(0)
    })
  })

  it('keeps escape sequences from the terminal', async () => {
    const script = 'exec -a "$(printf "\\033[31mred")" sleep 100'
    await whileRunning(
      ['--name', 'red'],
      `echo up; ${script} || exec sleep "$(printf "\\033[31m")"`,
      async () => {
        expect((await bryo(['top', 'red', 'args'])).stdout).not.toContain('\u001b')
      },
    )
  })

  it.each([
    [['top'], 'you must provide the name or id of a running container'],
    [['top', 'nobody'], 'no container with name or ID "nobody" found: no such container'],
    [['top', 'resting'], 'top can only be used on running containers'],
  ])('refuses %j', async (args, message) => {
    await bryo(['create', '--name', 'resting', IMAGE, 'true'])
    const ended = await bryo(args)
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
  })

  it('lists its descriptors', async () => {
    expect((await bryo(['top', '--list-descriptors'])).stdout).toMatch(/^args\n[\s\S]*\nvsz\n$/)
  })
})

describe('bryo stats', () => {
  it('shows what running containers use, once', async () => {
    await whileRunning(['--name', 'busy'], 'sleep 100 & echo up; while :; do :; done', async () => {
      const [heading, row] = await rows('stats', '--no-stream')
      expect(heading).toEqual([
        ...['ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET IO', 'BLOCK IO', 'PIDS', 'CPU TIME'],
        'AVG CPU %',
      ])
      expect(row?.[1]).toBe('busy')
      expect(row?.[2]).toMatch(/^\d+\.\d\d%$/)
      expect(row?.[3]).toMatch(/^[\d.]+[kM]B \/ [\d.]+GB$/)
      expect(row?.[5]).toBe('0B / 0B')
      expect(row?.[7]).toBe('2')
    })
  })

  it('takes formats and names, and shows nothing of what does not run', async () => {
    await bryo(['create', '--name', 'resting', IMAGE, 'true'])
    const ended = await bryo([
      'stats',
      '--no-stream',
      '--format',
      '{{.Name}} {{.MemUsage}} {{.PIDs}}',
      'resting',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: 'resting -- / -- --\n' })
    expect(
      JSON.parse((await bryo(['stats', '--no-stream', '--all', '--format', 'json'])).stdout),
    ).toMatchObject([{ name: 'resting', cpu_percent: '--', pids: '--' }])
    expect((await bryo(['stats', '--no-stream', '--format', '{{.Name}}'])).stdout).toBe('')
  })

  it('goes on until the named containers have ended', async () => {
    const run = world.start([
      'run',
      '--network',
      'none',
      '--name',
      'going',
      IMAGE,
      'sh',
      '-c',
      'echo up; sleep 100',
    ])
    await run.said('up')
    const stats = world.start(['stats', '--interval', '1', '--format', '{{.Name}} {{.PIDs}}', 'going'])
    await stats.said(/going 1\n[\s\S]*going 1\n/)
    await bryo(['kill', 'going'])
    expect(await stats.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/going --\n$/) })
    await run.ended
  })

  it.each([
    [['nobody'], 'no container with name or ID "nobody" found: no such container'],
    [['--all', 'x'], '--all, --latest and containers cannot be used together'],
    [['--no-stream', '--format', '{{.Nope}'], 'template: format:1:8: unexpected "}" in action'],
  ])('refuses %j', async (args, message) => {
    const ended = await bryo(['stats', ...args])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
  })
})
