import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const FAULT = 'a fault of bryo itself'
const RUN = ['run', '--rm', '--network', 'none']

/** A line of shell of the test user, in which `bryo` is the program. */
function shell(script: string, env: Readonly<Record<string, string>> = {}) {
  return world.command(['bash', '-c', `bryo() { "$0" "$@"; }; ${script}`, ...PROGRAM], { env })
}
const PROGRAM = [process.env.BRYO_TEST_PROGRAM ?? new URL('../../bin/bryo', import.meta.url).pathname]

describe('a umask that keeps files from their owner', () => {
  it.each(['0777', '0277', '0177'])('%s makes a store that can be used', async (mask) => {
    const places = `--root "$PWD/store-${mask}" --runroot "$PWD/run-${mask}"`
    const script = `umask ${mask}; bryo ${places} import '${world.archive}' box >/dev/null && bryo ${places} run --rm --network none box sh -c umask; bryo ${places} rmi box >/dev/null; rm -r "$PWD/store-${mask}"`
    expect(await shell(script)).toEqual({ code: 0, stdout: '0022\n', stderr: '' })
  })
})

describe('a home in which nothing can be made', () => {
  it.each(['/nonexistent', '/proc/none', '/dev/null', '/etc'])('%s is named', async (home) => {
    const ended = await world.bryo(['images'], { env: { HOME: home } })
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(`cannot use "${home}/.local/share/bryo" as a store: `)
    expect(ended.stderr).toContain('set HOME or XDG_DATA_HOME')
    expect(ended.stderr).not.toContain(FAULT)
    const run = await world.bryo(['--runroot', `${home}/run`, 'images'])
    expect(run.stderr).toContain('XDG_RUNTIME_DIR')
  })
})

describe('a host without /proc', () => {
  it('is told in one line', async () => {
    const script = 'mount -t tmpfs none /proc && exec "$0" images'
    const ended = await world.command([
      'unshare',
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      script,
      ...PROGRAM,
    ])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: cannot start: \/proc is not mounted[^\n]*\n$/)
  })
})

describe('--env-file', () => {
  it.each([
    ['/dev/zero', 'more than 4194304 bytes'],
    ['silent', 'nothing came within 3 seconds'],
    ['/', 'directory'],
  ])('of %s is an error, and ends', async (path, found) => {
    await shell('[ -p silent ] || mkfifo silent')
    const ended = await world.bryo([...RUN, '--env-file', path, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(`cannot read --env-file "${path}": `)
    expect(ended.stderr).toContain(found)
  })

  it('of a pipe is read to its end', async () => {
    const run = `bryo ${RUN.join(' ')}`
    const script = `mkfifo pipe; (sleep 0.2; echo A=named > pipe) & ${run} --env-file pipe ${IMAGE} sh -c 'echo $A'
      ${run} --env-file <(sleep 0.2; echo A=substituted) ${IMAGE} sh -c 'echo $A'
      ${run} --env-file <(true) ${IMAGE} echo nothing
      echo A=input | ${run} --env-file /dev/stdin ${IMAGE} sh -c 'echo $A'`
    expect(await shell(script)).toEqual({
      code: 0,
      stdout: 'named\nsubstituted\nnothing\ninput\n',
      stderr: '',
    })
  })
})
