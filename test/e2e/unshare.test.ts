import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

describe('bryo unshare', () => {
  it('runs a command as root over the ids of containers', async () => {
    await world.inside(['-v', 'data:/data'], 'echo x > /data/f; chown 1000:1000 /data/f')
    const path = `${world.dataRoot}/volumes/data/_data/f`
    const ended = await bryo(['unshare', 'sh', '-c', `id -u; stat -c %u:%g "$1"; rm "$1"`, 'sh', path])
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: '0\n1000:1000\n' })
  })

  it('gives the exit code of the command, also of one that a signal ends', async () => {
    expect(await bryo(['unshare', 'sh', '-c', 'exit 7'])).toMatchObject({ code: 7 })
    expect(await bryo(['unshare', 'sh', '-c', 'kill -9 $$'])).toMatchObject({ code: 137 })
    expect(await bryo(['unshare', 'no-such-command'])).toMatchObject({ code: 127 })
    expect(await bryo(['unshare', '/etc/passwd'])).toMatchObject({ code: 126 })
  })

  it('tells the command where the store is, and nothing of the runtime', async () => {
    const { stdout } = await bryo(['unshare', 'env'])
    const lines = stdout.split('\n')
    expect(lines).toContain(`CONTAINERS_GRAPHROOT=${world.dataRoot}`)
    expect(lines).toContain(`BRYO_RUNROOT=${world.runRoot}`)
    expect(lines.filter((line) => /^(?:BUN_|MIMALLOC)/.test(line))).toEqual([])
  })

  it('passes standard input on, and starts a shell without a command', async () => {
    const ended = await bryo(['unshare'], { input: 'echo from a shell\n', env: { SHELL: '/bin/sh' } })
    expect(ended).toMatchObject({ code: 0, stdout: 'from a shell\n' })
  })

  it('shows the same store to bryo', async () => {
    const ended = await bryo(['unshare', 'sh', '-c', '"$0" images --format "{{.Repository}}"', program()])
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: `${IMAGE.split(':')[0]}\n` })
  })

  it('lets mounts end with it', async () => {
    const script = `mount -t tmpfs none "${world.work}" && touch "${world.work}/inside"`
    expect(await bryo(['unshare', 'sh', '-c', script])).toMatchObject({ code: 0 })
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(world.work)
  })

  it('refuses a network of its own', async () => {
    const ended = await bryo(['unshare', '--rootless-netns', 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('rootless network namespace')
  })
})

function program(): string {
  return process.env.BRYO_TEST_PROGRAM ?? new URL('../../bin/bryo', import.meta.url).pathname
}
