import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

async function start(...flags: readonly string[]): Promise<void> {
  const ended = await bryo(['run', '-d', '--init', '--name', 'one', ...flags, IMAGE, 'sleep', '1000'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}

/** The layers that are not on, with what loosens them. */
async function weakened(): Promise<readonly string[]> {
  const ended = await bryo(['security', '--format', 'json', 'one'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  const layers = JSON.parse(ended.stdout) as { Layer: string; State: string; By: string[] }[]
  return layers
    .filter(({ State }) => State !== 'on' && State !== 'unavailable')
    .map(({ Layer, State, By }) => `${Layer} ${State}: ${By.join(', ')}`)
}

describe('bryo security', () => {
  it.each([
    [[]],
    [['--user', '1000']],
    [['-t']],
    [['--network', 'none', '--userns', 'host']],
    [['--read-only']],
  ])('finds every layer on in a container with %j', async (flags) => {
    await start(...flags)
    expect(await weakened()).toEqual([])
  })

  it.each<readonly [flags: readonly string[], expected: readonly string[]]>([
    [['--security-opt', 'seccomp=unconfined'], ['seccomp loosened: --security-opt seccomp=unconfined']],
    [
      ['--security-opt', 'no-new-privileges=false'],
      ['no-new-privileges loosened: --security-opt no-new-privileges=false'],
    ],
    [['--security-opt', 'nested-userns'], ['nested-userns loosened: --security-opt nested-userns']],
    [['--cap-add', 'NET_ADMIN'], ['capabilities loosened: --cap-add NET_ADMIN']],
    [
      ['--security-opt', 'unmask=/proc/interrupts'],
      ['masked-paths loosened: --security-opt unmask=/proc/interrupts'],
    ],
    [
      ['--ipc', 'host', '--uts', 'host'],
      ['namespaces loosened: --ipc host, --uts host', 'shared-memory loosened: --ipc host'],
    ],
    [['--network', 'host'], ['network loosened: --network host']],
    [['--pids-limit', '-1'], ['processes loosened: --pids-limit -1']],
    [['--device', '/dev/null:/dev/other'], ['devices loosened: --device /dev/other']],
  ])('names the option that loosens a layer: %j', async (flags, expected) => {
    await start(...flags)
    expect([...(await weakened())].sort()).toEqual([...expected].sort())
  })

  it('shows what --privileged takes away', async () => {
    await start('--privileged')
    expect((await weakened()).map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['capabilities', 'seccomp', 'nested-userns', 'masked-paths', 'read-only-paths']),
    )
  })

  it('believes the kernel, and exits with 1 where something is missing that nobody has asked for', async () => {
    await start('--security-opt', 'seccomp=unconfined')
    const id = (await bryo(['ps', '--quiet', '--no-trunc'])).stdout.trim()
    const path = `${world.dataRoot}/containers/${id}/container.json`
    const record = readFileSync(path, 'utf8')
    writeFileSync(path, record.replace('"seccomp=unconfined"', ''))
    const ended = await bryo(['security', 'one'])
    expect(ended).toMatchObject({ code: 1, stderr: '' })
    expect(ended.stdout).toMatch(/^seccomp +missing +0 filters *$/m)
  })

  it('takes templates, and prints a table', async () => {
    await start()
    expect((await bryo(['security', '--format', '{{.Layer}} {{.State}}', 'one'])).stdout).toContain(
      'seccomp on\n',
    )
    expect((await bryo(['security', '--latest'])).stdout).toMatch(/^LAYER +STATE +DETAIL +LOOSENED BY/)
  })

  it('is refused for a container that does not run', async () => {
    expect(await bryo(['create', '--name', 'one', IMAGE, 'true'])).toMatchObject({ code: 0 })
    const ended = await bryo(['security', 'one'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('it is created, expected running')
    expect(await bryo(['security', 'nobody'])).toMatchObject({ code: 125, stdout: '' })
    expect(await bryo(['security'])).toMatchObject({ code: 125, stdout: '' })
  })
})

describe('bryo run --security-report', () => {
  it('tells what will protect the container before its command runs', async () => {
    const ended = await bryo(['run', '--rm', '--security-report', '--network', 'none', IMAGE, 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(ended.stderr).toMatch(/^LAYER +STATE/)
    expect(ended.stderr).not.toMatch(/missing|loosened/)
  })

  it('says the same as the kernel then does', async () => {
    const flags = ['--privileged', '--network', 'none', '--ipc', 'host', '--cap-drop', 'CHOWN']
    const ended = await bryo([
      'run',
      '-d',
      '--init',
      '--name',
      'one',
      '--security-report',
      ...flags,
      IMAGE,
      'sleep',
      '1000',
    ])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const states = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/).slice(0, 2).join(' '))
    expect(states(ended.stderr)).toEqual(states((await bryo(['security', 'one'])).stdout))
  })
})
