import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force', '--volumes'])).toMatchObject({ code: 0 })
})

async function create(...args: readonly string[]): Promise<string> {
  const ended = await bryo(['create', '--network', 'none', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

const clone = (...args: readonly string[]) => bryo(['container', 'clone', ...args])

async function names(): Promise<string> {
  return (await bryo(['ps', '-a', '--format', '{{.Names}}'])).stdout.trim().split('\n').join(' ')
}

describe('bryo container clone', () => {
  it('makes a container with the same settings and a name of its own', async () => {
    const id = await create('--name', 'one', '-e', 'A=b', '-v', 'data:/data', IMAGE, 'sh', '-c', 'echo $A')
    const ended = await clone('one')
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) })
    expect(ended.stdout.trim()).not.toBe(id)
    await clone('one')
    await clone('one', 'two')
    await clone('--name', 'three', 'one')
    expect(await names()).toBe('one one-clone one-clone1 two three')
    expect(await bryo(['start', '--attach', 'two'])).toMatchObject({ code: 0, stdout: 'b\n' })
    const mounts = ['inspect', '--format', '{{range .Mounts}}{{.Name}}{{end}} {{.ImageName}}', 'two']
    expect((await bryo(mounts)).stdout).toBe(`data ${IMAGE}\n`)
  })

  it('copies nothing that was written', async () => {
    await create('--name', 'writer', IMAGE, 'sh', '-c', 'cat /file 2>/dev/null; echo mine > /file')
    await bryo(['start', '--attach', 'writer'])
    await clone('writer', 'copy')
    expect(await bryo(['start', '--attach', 'copy'])).toMatchObject({ code: 0, stdout: '' })
  })

  it('takes another image, and may take the place of the other', async () => {
    expect(await bryo(['import', '-c', 'ENV FROM=other', world.archive, 'localhost/other'])).toMatchObject({
      code: 0,
    })
    await create('--name', 'one', IMAGE, 'sh', '-c', 'echo "$FROM"')
    expect(await clone('--destroy', 'one', 'two', 'other')).toMatchObject({ code: 0 })
    expect(await names()).toBe('two')
    expect(await bryo(['start', '--attach', 'two'])).toMatchObject({ stdout: 'other\n' })
  })

  it('starts the copy with --run', async () => {
    await create('--name', 'one', IMAGE, 'sleep', '100')
    expect(await clone('--run', 'one', 'two')).toMatchObject({ code: 0 })
    expect((await bryo(['ps', '--format', '{{.Names}}'])).stdout).toBe('two\n')
  })

  it.each([
    [[], 'requires at least 1 arg(s), only received 0'],
    [['nobody'], 'no container with name or ID "nobody" found: no such container'],
    [['one', 'one'], 'name "one" is already in use'],
    [['--force', 'one'], 'cannot set --force without --destroy'],
    [['--name', 'a', 'one', 'b'], 'cannot use --name and a name behind the container together'],
    [['one', 'two', 'No Image'], 'No Image'],
  ])('refuses %j', async (args, message) => {
    await create('--name', 'one', IMAGE, 'true')
    const ended = await clone(...args)
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect(await names()).toBe('one')
  })

  it('destroys a running container only with --force', async () => {
    await create('--name', 'one', IMAGE, 'sleep', '100')
    expect(await bryo(['start', 'one'])).toMatchObject({ code: 0 })
    expect((await clone('--destroy', 'one')).stderr).toContain('cannot destroy container "one"')
    expect(await clone('--destroy', '--force', 'one')).toMatchObject({ code: 0 })
    expect(await names()).toBe('one-clone')
  })
})

describe('bryo container checkpoint and restore', () => {
  it.each([
    ['checkpoint', '--export'],
    ['restore', '--import'],
  ])('%s says what is missing', async (verb, option) => {
    await create('--name', 'one', IMAGE, 'true')
    const ended = await bryo(['container', verb, 'one'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(`cannot ${verb} container "one"`)
    expect((await bryo(['container', verb, 'nobody'])).stderr).toContain('no such container')
    expect((await bryo(['container', verb, option, 'x', 'one'])).stderr).toContain('user namespace')
  })
})
