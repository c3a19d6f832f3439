import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { debianArchive } from './support/debian.ts'
import { freePort, talkTcp } from './support/server.ts'
import { openWorld } from './support/world.ts'

const archive = await debianArchive()
const IMAGE = 'localhost/debian'
const APT =
  'export DEBIAN_FRONTEND=noninteractive; apt-get -qq update >/dev/null && apt-get -qq install -y --no-install-recommends'
const LONG = { timeoutMs: 300_000 }

/** Runs only where a Debian root was made before, or with BRYO_TEST_DEBIAN=1. */
describe.runIf(archive).each(['overlay', 'fuse-overlayfs'])('a Debian root on %s', async (driver) => {
  const world = await openWorld({ unused: !archive, image: false, flags: ['--storage-driver', driver] })
  const { bryo } = world

  it('is imported with all its owners', async () => {
    const ended = await bryo(['import', archive ?? '', IMAGE], LONG)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const owners = await bryo([
      'run',
      '--rm',
      '--network',
      'none',
      IMAGE,
      'stat',
      '-c',
      '%U:%G %a',
      '/var/mail',
      '/usr/bin/passwd',
      '/etc/shadow',
      '/tmp',
    ])
    expect(owners.stdout).toBe('root:mail 2775\nroot:root 4755\nroot:shadow 640\nroot:root 1777\n')
  }, 300_000)

  it('installs packages with apt-get as container root; a compiler compiles', async () => {
    const source = '#include <stdio.h>\\nint main(void) { puts("compiled inside"); return 7; }\\n'
    const script = `${APT} gcc libc6-dev >/dev/null && printf '${source}' > /tmp/a.c && gcc -O1 -o /tmp/a /tmp/a.c && /tmp/a`
    const ended = await bryo(['run', '--rm', IMAGE, 'sh', '-c', script], LONG)
    expect(ended.stdout, ended.stderr).toBe('compiled inside\n')
    expect(ended.code).toBe(7)
  }, 300_000)

  it('runs a server that is reached on a published port', async () => {
    const port = await freePort()
    const script = `${APT} redis-server >/dev/null && exec redis-server --bind 0.0.0.0 --protected-mode no --save ''`
    const run = world.start(['run', '--rm', '-p', `127.0.0.1:${port}:6379`, IMAGE, 'sh', '-c', script], LONG)
    await run.said('Ready to accept connections')
    expect(await talkTcp(port, 'SET moss green\r\nGET moss\r\nQUIT\r\n')).toBe(
      '+OK\r\n$5\r\ngreen\r\n+OK\r\n',
    )
    run.kill('SIGTERM')
    expect((await run.ended).code).toBe(0)
  }, 300_000)

  it('lets packages drop privileges: another user writes only what is its own', async () => {
    const ended = await bryo([
      'run',
      '--rm',
      '--network',
      'none',
      IMAGE,
      'setpriv',
      '--reuid=33',
      '--regid=33',
      '--init-groups',
      'sh',
      '-c',
      'id -un; touch /var/mail/x 2>&1; touch /tmp/x && stat -c %U /tmp/x',
    ])
    expect(ended.stdout).toMatch(/^www-data\n.*Permission denied\nwww-data\n$/)
  })

  it("builds in a directory of the caller, whose files stay the caller's", async () => {
    const directory = world.makeDirectory('project')
    writeFileSync(`${directory}/in`, 'text\n')
    const ended = await bryo([
      'run',
      '--rm',
      '--network',
      'none',
      '-v',
      `${directory}:/w`,
      '-w',
      '/w',
      IMAGE,
      'sh',
      '-c',
      'tar -czf out.tgz in && rm in && tar -xzf out.tgz && cat in',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: 'text\n' })
    expect((await world.command(['sh', '-c', `rm -r ${directory}/* && echo removed`])).stdout).toBe(
      'removed\n',
    )
  })
})
