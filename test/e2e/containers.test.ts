import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

const create = async (...args: readonly string[]): Promise<string> => {
  const ended = await bryo(['create', '--network', 'none', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.trim()
}

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

describe('bryo create and start', () => {
  it('print the id, and run the command as often as they are asked to', async () => {
    const id = await create(
      '--name',
      'again',
      IMAGE,
      'sh',
      '-c',
      'echo run >> /count; wc -l < /count; exit 6',
    )
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await bryo(['start', '-a', 'again'])).toMatchObject({ code: 6, stdout: '1\n' })
    expect(await bryo(['start', '--attach', id.slice(0, 8)])).toMatchObject({ code: 6, stdout: '2\n' })
  })

  it('give standard input to the command with -i on both', async () => {
    await create('-i', '--name', 'reader', IMAGE, 'cat')
    expect(await bryo(['start', '-ai', 'reader'], { input: 'typed\n' })).toMatchObject({
      code: 0,
      stdout: 'typed\n',
    })
  })

  it('with --rm remove the container after its end', async () => {
    const before = world.listing()
    await create('--rm', '--name', 'once', IMAGE, 'true')
    expect(await bryo(['start', '-a', 'once'])).toMatchObject({ code: 0 })
    await world.expectUnchanged(before)
  })

  it('attach one more client where it runs already', async () => {
    await create('--name', 'busy', IMAGE, 'sh', '-c', 'echo up; sleep 100')
    const first = world.start(['start', '-a', 'busy'])
    await first.said('up')
    const second = world.start(['start', '-a', 'busy'])
    expect(await bryo(['start', 'busy'])).toMatchObject({ code: 0, stdout: 'busy\n' })
    expect(await bryo(['rm', '-f', 'busy'])).toMatchObject({ code: 0 })
    for (const client of [first, second]) expect((await client.ended).code).toBe(137)
  })

  it('record why a start has failed', async () => {
    await create('--name', 'broken', IMAGE, 'no-such-command')
    expect(await bryo(['start', '-a', 'broken'])).toMatchObject({ code: 127 })
    expect((await bryo(['ps', '-a', '--format', '{{.Names}} {{.State}}'])).stdout).toBe('broken exited\n')
  })

  it('refuse an unknown container', async () => {
    const ended = await bryo(['start', '-a', 'nobody'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('nobody')
  })
})

describe('bryo ps', () => {
  it("prints Podman's columns, running ones only unless -a is given", async () => {
    await create('--name', 'resting', IMAGE, 'sleep', '1')
    expect((await bryo(['ps'])).stdout.split('\n')).toHaveLength(2)
    const [heading = '', row = ''] = (await bryo(['ps', '-a'])).stdout.split('\n')
    expect(heading).toMatch(/^CONTAINER ID {2,}IMAGE {2,}COMMAND {2,}CREATED {2,}STATUS {2,}PORTS {2,}NAMES/)
    expect(row).toMatch(
      /^[0-9a-f]{12} {2,}localhost\/busybox:latest {2,}sleep 1 {2,}.* ago {2,}Created {2,}resting/,
    )
  })

  it('takes filters, formats, -q and --no-trunc', async () => {
    const id = await create('--name', 'one', '-l', 'colour=green', IMAGE, 'true')
    await create('--name', 'two', IMAGE, 'true')
    expect((await bryo(['ps', '-aq', '--no-trunc', '--filter', 'label=colour=green'])).stdout).toBe(`${id}\n`)
    expect(
      (await bryo(['ps', '-a', '--filter', 'name=^two$', '--format', '{{.Names}}:{{.ID}}'])).stdout,
    ).toMatch(/^two:[0-9a-f]{12}\n$/)
    const rows: unknown = JSON.parse((await bryo(['ps', '-a', '--format', 'json'])).stdout)
    expect(rows).toEqual(expect.arrayContaining([expect.objectContaining({ Id: id, Names: ['one'] })]))
  })
})

describe('bryo inspect', () => {
  it('shows a container with its state, as JSON and by a template', async () => {
    const id = await create('--name', 'seen', '-e', 'A=b', IMAGE, 'sh', '-c', 'exit 4')
    await bryo(['start', '-a', 'seen'])
    const [found] = JSON.parse((await bryo(['inspect', 'seen'])).stdout) as [unknown]
    expect(found).toMatchObject({
      Id: id,
      Name: 'seen',
      State: { Running: false, Status: 'exited', ExitCode: 4, Pid: 0 },
    })
    expect(
      await bryo(['inspect', '--format', '{{.State.ExitCode}} {{.Config.Image}}', 'seen']),
    ).toMatchObject({ code: 0, stdout: `4 ${IMAGE}\n` })
    expect((await bryo(['inspect', 'nothing-like-that'])).code).toBe(125)
  })
})

describe('bryo rm', () => {
  it('removes by name, id and --all, and prints what it was told', async () => {
    await create('--name', 'a', IMAGE, 'true')
    const id = await create(IMAGE, 'true')
    await create(IMAGE, 'true')
    expect(await bryo(['rm', 'a', id.slice(0, 12)])).toMatchObject({
      code: 0,
      stdout: `a\n${id.slice(0, 12)}\n`,
    })
    expect((await bryo(['ps', '-aq'])).stdout.trim().split('\n')).toHaveLength(1)
    expect(await bryo(['rm', '--all'])).toMatchObject({ code: 0 })
    expect((await bryo(['ps', '-aq'])).stdout).toBe('')
  })

  it('keeps a running container unless -f is given, and goes on with the others', async () => {
    await create('--name', 'other', IMAGE, 'true')
    const run = world.start([
      'run',
      '--name',
      'alive',
      '--network',
      'none',
      IMAGE,
      'sh',
      '-c',
      'echo up; sleep 100',
    ])
    await run.said('up')
    const refused = await bryo(['rm', 'alive', 'other'])
    expect(refused).toMatchObject({ code: 2, stdout: 'other\n' })
    expect(refused.stderr).toContain('alive')
    expect(await bryo(['rm', '-f', 'alive'])).toMatchObject({ code: 0 })
    expect((await run.ended).code).toBe(137)
  })

  it('with an unknown name is an error, but not with --ignore', async () => {
    expect((await bryo(['rm', 'nobody'])).code).not.toBe(0)
    expect(await bryo(['rm', '--ignore', 'nobody'])).toMatchObject({ code: 0, stdout: '' })
  })
})
