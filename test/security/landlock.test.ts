import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Started } from '../e2e/support/command.ts'
import { IMAGE, openWorld } from '../e2e/support/world.ts'
import { NO_PERL, WITH_PERL } from './support/perl.ts'

/** landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) */
function landlockVersion(): number {
  const { stdout } = spawnSync('/usr/bin/perl', ['-e', 'print syscall(444, 0, 0, 1)'], { encoding: 'utf8' })
  return Number(stdout)
}

const REASON =
  NO_PERL ?? (landlockVersion() >= 6 ? undefined : 'this kernel has no Landlock with scopes (Linux 6.12)')
const world = await openWorld({ unused: REASON !== undefined })
const NAME = `bryo-test-${process.pid}`
const ADDRESS = `pack("S", 1) . "\\0${NAME}"`
const SERVER = `use Socket; socket(my $s, 1, 1, 0); bind($s, ${ADDRESS}) or die $!; listen($s, 5); $| = 1; print "listening"; sleep 600`
const CLIENT = `use Socket; socket(my $s, 1, 1, 0); print connect($s, ${ADDRESS}) ? "connected" : "refused: $!"`
const PERL = ['/usr/bin/perl', '-e']

describe.skipIf(REASON !== undefined)(`abstract sockets of the host${REASON ? `: ${REASON}` : ''}`, () => {
  let server: Started
  beforeAll(async () => {
    server = world.startCommand([...PERL, SERVER])
    await server.said('listening')
  })
  afterAll(async () => {
    server.kill('SIGKILL')
    await server.ended
  })
  const connect = (...flags: readonly string[]) =>
    world.inside(['--network', 'host', ...WITH_PERL, ...flags], [...PERL, CLIENT])

  it('can be reached on the host', async () => {
    expect(await world.command([...PERL, CLIENT])).toMatchObject({ code: 0, stdout: 'connected' })
  })

  it.each([[], ['--security-opt', 'no-new-privileges=false'], ['--privileged'], ['--user', '1000']])(
    'are out of reach with --network host %s %s',
    async (...flags) => {
      expect(await connect(...flags)).toBe('refused: Operation not permitted')
    },
  )

  it('are in reach with --security-opt landlock=off', async () => {
    expect(await connect('--security-opt', 'landlock=off')).toBe('connected')
  })

  it('are out of reach for what exec adds', async () => {
    const flags = ['-d', '--rm', '--name', 'shared', '--network', 'host', ...WITH_PERL]
    expect(await world.bryo(['run', ...flags, IMAGE, 'sleep', '100'])).toMatchObject({ code: 0 })
    const ended = await world.bryo(['exec', 'shared', ...PERL, CLIENT])
    expect(ended).toMatchObject({ code: 0, stdout: 'refused: Operation not permitted' })
    expect(await world.bryo(['rm', '--force', '--time', '0', 'shared'])).toMatchObject({ code: 0 })
  })

  it('belong to the container that made them: its own are in reach', async () => {
    const own =
      `${SERVER.replace('sleep 600', 'my $p = fork; if (!$p) { exec @ARGV } waitpid $p, 0')}`.replaceAll(
        NAME,
        `${NAME}-own`,
      )
    const client = CLIENT.replaceAll(NAME, `${NAME}-own`)
    const flags = ['--network', 'host', ...WITH_PERL]
    expect(await world.inside(flags, [...PERL, own, ...PERL, client])).toBe('listeningconnected')
  })
})
