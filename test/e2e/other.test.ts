import { describe, expect, it } from 'vitest'
import { BRYO, openWorld } from './support/world.ts'

const world = await openWorld({ image: false })
const { bryo } = world

describe('bryo version', () => {
  it('prints the version and the runtime, as text, JSON and by a template', async () => {
    expect((await bryo(['--version'])).stdout).toMatch(/^bryo version \d+\.\d+\.\d+\n$/)
    expect((await bryo(['version'])).stdout).toMatch(
      /^Client: +bryo\nVersion: +\d+\.\d+\.\d+\nAPI Version: +\S+\nRuntime: +Bun \d/,
    )
    const found: unknown = JSON.parse((await bryo(['version', '--format', 'json'])).stdout)
    expect(found).toMatchObject({ Client: { Os: 'linux' } })
  })
})

describe('bryo doctor', () => {
  it('finds a host on which containers run, as text and as JSON', async () => {
    const ended = await bryo(['doctor'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/^ok +user namespaces/m)
    expect(JSON.parse((await bryo(['doctor', '--format', 'json'])).stdout)).toBeTruthy()
  })
})

describe('bryo completion', () => {
  it('prints a script that bash can read and that completes commands', async () => {
    const script = `${world.work}/completion`
    const made = await world.command(['sh', '-c', `"$1" completion bash > ${script}`, '-', BRYO])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(await world.command(['bash', '-n', script])).toMatchObject({ code: 0, stderr: '' })
    expect((await bryo(['__complete', 'im'])).stdout).toMatch(/^images\b/m)
  })

  it.each(['zsh', 'fish'])('prints one for %s, and refuses other shells', async (shell) => {
    expect((await bryo(['completion', shell])).stdout).toContain('bryo')
    expect((await bryo(['completion', 'tcsh'])).code).toBe(125)
  })
})

describe('bryo --help', () => {
  it('of every command ends with 0 and names the command', async () => {
    const listed = (await bryo(['--help'])).stdout
    const names = [...listed.matchAll(/^ {2}([a-z]+) {2,}\w/gm)].flatMap(([, name]) => name ?? [])
    expect(names).toEqual(
      expect.arrayContaining([
        'run',
        'create',
        'start',
        'rm',
        'ps',
        'pull',
        'load',
        'import',
        'images',
        'rmi',
        'tag',
        'inspect',
        'doctor',
        'completion',
        'version',
      ]),
    )
    for (const name of names) {
      const help = await bryo([name, '--help'])
      expect(help, name).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout).toContain(`bryo ${name}`)
    }
  })
})

describe('a store', () => {
  it('lies where --root and --runroot say, and its directory is private', async () => {
    const [root, runroot] = [`${world.work}/other/root`, `${world.work}/other/run`]
    expect(await bryo(['--root', root, '--runroot', runroot, 'ps', '-a'])).toMatchObject({ code: 0 })
    expect((await world.command(['stat', '-c', '%a', root, runroot])).stdout).toBe('700\n700\n')
    expect(world.listing()).toEqual([])
  })

  it('works without XDG_RUNTIME_DIR', async () => {
    const ended = await world.command(['env', '-u', 'XDG_RUNTIME_DIR', BRYO, 'ps', '-a'])
    expect(ended.code).toBe(0)
  })
})
