import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

afterAll(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

const argvOf = (script: string) => ['bash', '-c', `bryo() { ${BRYO} "$@"; }; ${script}`]
const shell = (script: string) => world.command(argvOf(script))
const FOREVER = 'while :; do echo y; done'

describe('bytes', () => {
  const file = join(world.work, 'random')
  const digest = (() => {
    const content = randomBytes(5_000_000)
    writeFileSync(file, content, { mode: 0o644 })
    return createHash('sha256').update(content).digest('hex')
  })()

  it.each([
    ['a monitor', `run -i ${IMAGE}`],
    ['a monitor without a log', `run -i --log-driver none ${IMAGE}`],
    ['no monitor', `run -i --rm ${IMAGE}`],
  ])('go through a container with %s unchanged, both ways', async (_, command) => {
    const ended = await shell(`bryo ${command} cat <${file} | sha256sum`)
    expect(ended).toMatchObject({ code: 0, stdout: `${digest}  -\n` })
  })

  it('go through exec unchanged', async () => {
    await bryo(['run', '-d', '--name', 'pipes', IMAGE, 'sleep', '1000'])
    const ended = await shell(`bryo exec -i pipes cat <${file} | cat | sha256sum`)
    expect(ended).toMatchObject({ code: 0, stdout: `${digest}  -\n` })
  })
})

describe('an end of the pipeline', () => {
  it('that feeds a container which reads no more: its exit code counts', async () => {
    for (let round = 0; round < 10; round++) {
      const ended = await shell(`yes | bryo run -i ${IMAGE} sh -c 'head -c 100000 >/dev/null; exit 3'`)
      expect(ended).toMatchObject({ code: 3, stderr: '' })
    }
  })

  it('that reads no more ends the client as it ends any program, and the container goes on', async () => {
    const ended = await shell(
      `bryo run --name chatty ${IMAGE} sh -c '${FOREVER}' | head -n 1; echo \${PIPESTATUS[0]}`,
    )
    expect(ended.stdout).toBe('y\n141\n')
    expect(await bryo(['rm', '--force', 'chatty'])).toMatchObject({ code: 0 })
  })

  it('that was never open changes nothing', async () => {
    const ended = await shell(`bryo run ${IMAGE} sh -c 'echo out; exit 4' >&-; echo $?`)
    expect(ended).toMatchObject({ stdout: '4\n', stderr: '' })
  })
})

describe('a client that feeds a container which reads nothing', () => {
  it("is in nobody else's way", async () => {
    const flags = ['-d', '-i', '--name', 'deaf']
    await bryo(['run', ...flags, IMAGE, 'sh', '-c', 'while ! test -e /go; do sleep 0.1; done; echo heard'])
    const feeder = world.startCommand(argvOf('yes | bryo attach deaf'))
    const listener = world.start(['attach', '--no-stdin', 'deaf'])
    await bryo(['exec', 'deaf', 'sleep', '0.5'])
    await bryo(['exec', 'deaf', 'touch', '/go'])
    await listener.said('heard')
    expect(await listener.ended).toMatchObject({ code: 0 })
    expect(await feeder.ended).toMatchObject({ code: 0 })
  })
})
