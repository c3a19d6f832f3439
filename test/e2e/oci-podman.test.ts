import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTerminal } from './support/terminal.ts'
import { BRYO, give, openWorld, PATH } from './support/world.ts'

const missing = ['podman', 'conmon'].find(
  (name) => !PATH.split(':').some((place) => existsSync(`${place}/${name}`)),
)
const world = await openWorld({ image: false, unused: missing !== undefined })
const runtime = join(world.directory, 'bryo-oci')

/** Its state lies below the world, so that it shares nothing with another Podman of this user. */
// Podman takes no runtime directory of more than 50 characters.
const runRoot = `/tmp/podman.${basename(world.directory)}`
const podmanCommand = [
  'podman',
  ...['--root', join(world.directory, 'storage'), '--runroot', runRoot],
  ...['--tmpdir', join(world.directory, 'run/libpod'), '--storage-driver', 'vfs'],
  ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', runtime],
]

const podman = (args: readonly string[]) => world.command([...podmanCommand, ...args])

async function ok(args: readonly string[]): Promise<string> {
  const ended = await podman(args)
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

const run = (flags: readonly string[], script: string) =>
  ok(['run', '--rm', '--network', 'none', ...flags, 'box', 'sh', '-c', script])

describe.skipIf(missing)(`podman --runtime bryo-oci${missing ? `: there is no ${missing} here` : ''}`, () => {
  beforeAll(async () => {
    symlinkSync(BRYO, runtime)
    await ok(['import', '--quiet', world.archive, 'box'])
  })

  // Also ends the process that keeps the user namespace of this Podman.
  afterAll(async () => {
    await podman(['rm', '--all', '--force', '--time', '0'])
    await podman(['system', 'migrate'])
    await world.command(['rm', '-rf', runRoot])
  })

  it('runs a program and gives its exit code', async () => {
    expect(
      await podman(['run', '--rm', '--network', 'none', 'box', 'sh', '-c', 'echo said; exit 9']),
    ).toMatchObject({
      code: 9,
      stdout: 'said\n',
    })
  })

  it('tells a program that is missing from one that cannot be executed', async () => {
    expect(await podman(['run', '--rm', '--network', 'none', 'box', 'nope'])).toMatchObject({ code: 127 })
    expect(await podman(['run', '--rm', '--network', 'none', 'box', '/etc/passwd'])).toMatchObject({
      code: 126,
    })
  })

  it('protects as it was told to', async () => {
    const said = await run(
      ['--cap-drop', 'all', '--read-only'],
      'grep -E "^(CapEff|Seccomp:)" /proc/self/status; touch /x || echo fixed',
    )
    expect(said).toContain('CapEff:\t0000000000000000\nSeccomp:\t2\n')
    expect(said).toContain('fixed')
  })

  it('has users, volumes, tmpfs, hosts’ names and limits', async () => {
    const volume = world.makeDirectory('volume')
    const flags = [
      ...['--user', '1000:29', '-v', `${volume}:/v`, '--tmpfs', '/t', '--hostname', 'named'],
      ...['--ulimit', 'nofile=50:60', '--workdir', '/srv', '-e', 'A=b'],
    ]
    writeFileSync(join(volume, 'f'), 'of the host\n')
    give(volume)
    const said = await run(
      flags,
      'id -u; id -g; cat /v/f; touch /t/x && hostname; ulimit -n; pwd; echo $A > /dev/stdout',
    )
    expect(said.split('\n')).toEqual(['1000', '29', 'of the host', 'named', '50', '/srv', 'b'])
  })

  it('maps the caller to itself', async () => {
    expect(await run(['--userns', 'keep-id'], 'id -un')).toBe(world.env.USER)
  })

  it('runs in the background, takes further programs, stops and tells what was said', async () => {
    const script = 'trap "echo bye; exit 3" TERM; echo begun; while :; do sleep 0.1; done'
    await ok(['run', '-d', '--name', 'back', '--network', 'none', 'box', 'sh', '-c', script])
    expect(await ok(['exec', 'back', 'cat', '/proc/1/comm'])).toBe('sh')
    expect(await podman(['exec', '--user', '1000', 'back', 'sh', '-c', 'id -u; exit 4'])).toMatchObject({
      code: 4,
      stdout: '1000\n',
    })
    expect(await podman(['exec', 'back', 'nope'])).toMatchObject({ code: 127 })
    expect(await ok(['inspect', '--format', '{{.State.Status}} {{.OCIRuntime}}', 'back'])).toBe(
      `running ${runtime}`,
    )
    await ok(['stop', 'back'])
    expect(await ok(['logs', 'back'])).toBe('begun\nbye')
    expect(await ok(['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'back'])).toBe(
      'exited 3',
    )
    await ok(['start', 'back'])
    await ok(['rm', '--force', '--time', '0', 'back'])
  })

  it('shares namespaces in a pod', async () => {
    await ok([
      'pod',
      'create',
      '--name',
      'pod',
      '--network',
      'none',
      '--infra-image',
      'box',
      '--infra-command',
      'sleep 1000',
    ])
    await ok(['run', '-d', '--pod', 'pod', 'box', 'httpd', '-f', '-p', '8080', '-h', '/srv'])
    const fetch = 'until wget -qO- http://127.0.0.1:8080/; do sleep 0.1; done'
    expect(await ok(['run', '--rm', '--pod', 'pod', 'box', 'sh', '-c', fetch])).toBe('served from inside')
    await ok(['pod', 'rm', '--force', '--time', '0', 'pod'])
  })

  it('gives a terminal', async () => {
    const line = [...podmanCommand, 'run', '--rm', '-it', '--network', 'none', 'box', 'sh'].join(' ')
    const terminal = openTerminal(world, line)
    await terminal.said('# ')
    terminal.write('tty; stty size; exit 5\n')
    const { code } = await terminal.ended
    expect(terminal.text()).toMatch(/\/dev\/pts\/0\n/)
    expect(terminal.text()).toContain('24 80')
    expect(code).toBe(5)
  })
})
