import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

async function create(...args: readonly string[]): Promise<string> {
  const ended = await bryo(['create', ...args, IMAGE, 'true'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

describe('bryo rename', () => {
  it('gives a container another name, and leaves the old one free', async () => {
    const id = await create('--name', 'old')
    expect(await bryo(['rename', 'old', 'new'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await bryo(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}}'])).stdout).toBe(
      `${id} new\n`,
    )
    expect((await bryo(['container', 'exists', 'old'])).code).toBe(1)
    await create('--name', 'old')
    expect(await bryo(['rename', id.slice(0, 10), 'newer'])).toMatchObject({ code: 0 })
    expect((await bryo(['container', 'exists', 'newer'])).code).toBe(0)
  })

  it('leaves the host name of a running container alone', async () => {
    const script = 'hostname; read x; hostname'
    const run = world.start([
      ...['run', '-i', '--rm', '--network', 'none', '--name', 'before', IMAGE],
      ...['sh', '-c', script],
    ])
    await run.said(/^[0-9a-f]{12}\n/)
    expect(await bryo(['rename', 'before', 'after'])).toMatchObject({ code: 0 })
    expect((await bryo(['ps', '--format', '{{.Names}}'])).stdout).toBe('after\n')
    run.write('\n')
    const { stdout } = await run.ended
    const [first, second] = stdout.trim().split('\n')
    expect(second).toBe(first)
    // It was removed with its name of the time.
    expect((await bryo(['ps', '-aq'])).stdout).toBe('')
    await create('--name', 'after')
  })

  const REFUSALS: readonly { readonly args: readonly string[]; readonly messages: readonly string[] }[] = [
    { args: ['rename', 'one'], messages: ['accepts 2 arg(s), received 1', 'requires at least 2'] },
    {
      args: ['rename', 'nobody', 'x'],
      messages: ['no container with name or ID "nobody" found: no such container'],
    },
    { args: ['rename', 'one', 'two'], messages: ['name "two" is already in use'] },
    { args: ['rename', 'one', 'b@d'], messages: ['names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*'] },
    { args: ['rename', 'one', ''], messages: ['names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*'] },
  ]

  it.each(REFUSALS)('refuses $args', async ({ args, messages }) => {
    await create('--name', 'one')
    await create('--name', 'two')
    const ended = await bryo(args)
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(
      messages.some((message) => ended.stderr.includes(message)),
      ended.stderr,
    ).toBe(true)
  })
})

describe('bryo container exists and image exists', () => {
  it('answer by their exit codes alone', async () => {
    const id = await create('--name', 'here')
    const answer = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await bryo(args)
      expect([stdout, stderr]).toEqual(['', ''])
      return code
    }
    expect(await answer('container', 'exists', 'here')).toBe(0)
    expect(await answer('container', 'exists', id.slice(0, 8))).toBe(0)
    expect(await answer('container', 'exists', '--external', 'nobody')).toBe(1)
    expect(await answer('image', 'exists', 'busybox')).toBe(0)
    expect(await answer('image', 'exists', 'busybox:9')).toBe(1)
    expect((await bryo(['container', 'exists'])).code).toBe(125)
  })
})

describe('bryo port', () => {
  it('shows all ports of a container, or one of them', async () => {
    await create('--name', 'web', '-p', '18080:80', '-p', '127.0.0.1:18090-18091:90-91/udp', '-p', '1234')
    expect((await bryo(['port', 'web'])).stdout).toBe(
      '80/tcp -> 0.0.0.0:18080\n90/udp -> 127.0.0.1:18090\n91/udp -> 127.0.0.1:18091\n',
    )
    expect((await bryo(['port', 'web', '80'])).stdout).toBe('0.0.0.0:18080\n')
    expect((await bryo(['port', '--latest'])).stdout).toContain('80/tcp -> 0.0.0.0:18080\n')
    expect((await bryo(['port', 'web', '91/udp'])).stdout).toBe('127.0.0.1:18091\n')
    expect(await bryo(['port', '--all'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it.each([
    [['port'], 'you must supply a running container name or id'],
    [['port', 'nobody'], 'no container with name or ID "nobody" found: no such container'],
    [['port', 'web', '81'], 'failed to find published port "81"'],
    [['port', 'web', '80/udp'], 'failed to find published port "80/udp"'],
    [['port', 'web', 'http'], 'invalid port "http"'],
    [['port', 'web', '80/tcp/x'], "port formats are port/protocol. '80/tcp/x' is invalid"],
    [['port', '--all', 'web'], 'no arguments are needed with --all'],
    [['port', '--all', '--latest'], '--all and --latest cannot be used together'],
  ])('refuses %j', async (args, message) => {
    await create('--name', 'web', '-p', '18080:80')
    const ended = await bryo(args)
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
  })
})
