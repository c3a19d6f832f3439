import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { editAuthFile } from '../../../src/engine/registry/authFile.ts'
import { readRegistriesConfig } from '../../../src/engine/registry/registriesConf.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-registries-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function put(path: string, text: string): string {
  const full = join(directory, path)
  mkdirSync(join(full, '..'), { recursive: true })
  writeFileSync(full, text)
  return full
}

function read(env: Readonly<Record<string, string>> = {}) {
  const facts = { uid: 1, gid: 1, cwd: '/', runtimeEnv: {}, debug: false }
  return readRegistriesConfig({ ...facts, env: { HOME: directory, XDG_CONFIG_HOME: directory, ...env } })
}

describe('readRegistriesConfig()', () => {
  it('reads the second version of registries.conf', async () => {
    const named = put(
      'own.conf',
      `unqualified-search-registries = ["docker.io"]
credential-helpers = ["containers-auth.json", "secrets"]
[[registry]]
prefix = "reg.example/team"
location = "inner.example/t/"
insecure = true
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.example"
[[registry]]
location = "bad.example"
blocked = true
[aliases]
tool = "reg.example/tool"
gone = ""
`,
    )
    expect(await read({ CONTAINERS_REGISTRIES_CONF: named })).toEqual({
      rules: [
        {
          prefix: 'reg.example/team',
          location: 'inner.example/t',
          insecure: true,
          blocked: false,
          mirrors: [{ location: 'mirror.example', insecure: false, serves: 'digest-only' }],
          source: named,
        },
        {
          prefix: 'bad.example',
          location: 'bad.example',
          insecure: false,
          blocked: true,
          mirrors: [],
          source: named,
        },
      ],
      aliases: { tool: 'reg.example/tool' },
      credentialHelpers: ['secrets'],
    })
  })

  it("drop-ins of the user add to the user's file and win, and bryo.conf wins over all", async () => {
    put('containers/registries.conf', '[[registry]]\nprefix = "a.example"\n[aliases]\none = "a.example/1"\n')
    put('containers/registries.conf.d/10.conf', '[[registry]]\nprefix = "a.example"\ninsecure = true\n')
    put('containers/registries.conf.d/notes.txt', 'no TOML')
    put(
      'bryo/bryo.conf',
      '[registry b.example/x.y]\nmirror[] = m1.example\nmirror[] = m2.example\nblocked = false\n[aliases]\none = b.example/1\n[run]\nx = 1\n',
    )
    const { rules, aliases } = await read()
    expect(rules.find(({ prefix }) => prefix === 'a.example')).toMatchObject({ insecure: true })
    expect(
      rules.find(({ prefix }) => prefix === 'b.example/x.y')?.mirrors.map(({ location }) => location),
    ).toEqual(['m1.example', 'm2.example'])
    expect(aliases.one).toBe('b.example/1')
  })

  it.each([
    ['no TOML', '[[registry', 'cannot read'],
    ['the first version', '[registries.search]\nregistries = ["x"]\n', 'version 1 of the format'],
    ['a rule without a name', '[[registry]]\nblocked = true\n', 'neither prefix nor location'],
    [
      'a word for a switch',
      '[[registry]]\nprefix = "a"\nblocked = "yes"\n',
      '"blocked" is not true or false',
    ],
    [
      'a mirror without a place',
      '[[registry]]\nprefix = "a"\n[[registry.mirror]]\n',
      'a mirror has no location',
    ],
  ])('refuses %s', async (_what, text, words) => {
    const named = put('bad.conf', text)
    await expect(read({ CONTAINERS_REGISTRIES_CONF: named })).rejects.toThrow(words)
  })

  it('refuses an unknown member of a registry in bryo.conf', async () => {
    put('bryo/bryo.conf', '[registry b.example]\nmirrors = x\n')
    await expect(read()).rejects.toThrow('unknown member "mirrors"')
  })
})

describe('editAuthFile()', () => {
  const login = { username: 'ana', password: 'x' }

  it('writes a private file, and takes away what it wrote', () => {
    const path = join(directory, 'new/auth.json')
    expect(editAuthFile(path, 'reg.example', login)).toBe(false)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ auths: { 'reg.example': { auth: 'YW5hOng=' } } })
    expect(editAuthFile(path, 'reg.example', undefined)).toBe(true)
    expect(editAuthFile(path, 'reg.example', undefined)).toBe(false)
    expect(readdirSync(join(directory, 'new'))).toEqual(['auth.json'])
  })

  it('says where it cannot write', () => {
    const path = join(put('plain', ''), 'auth.json')
    expect(() => editAuthFile(path, 'reg.example', login)).toThrow(`cannot write auth file "${path}"`)
  })

  it('leaves a file that is no JSON as it is', () => {
    const path = put('auth.json', '{"auths": ')
    expect(() => editAuthFile(path, 'reg.example', login)).toThrow('no valid JSON')
    expect(readFileSync(path, 'utf8')).toBe('{"auths": ')
  })
})
