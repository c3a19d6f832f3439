import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  IDENTITY_TOKEN,
  PASSWORD,
  type SecureRegistry,
  startSecureRegistry,
  USER,
} from './support/secureRegistry.ts'
import { give, IMAGE, openWorld, PATH } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const directory = world.makeDirectory('files')
const runtimeAuth = join(world.runtimeDirectory, 'containers/auth.json')
const has = async (program: string) => (await world.command(['sh', '-c', `command -v ${program}`])).code === 0
const hasSkopeo = await has('skopeo')
const hasPodman = await has('podman')

async function succeed(args: readonly string[], options = {}): Promise<string> {
  const ended = await bryo(args, options)
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
  return ended.stdout.trimEnd()
}

/** An image that no other test has pushed or pulled: a name of the store. */
async function makeImage(name: string): Promise<string> {
  await succeed(['import', '-c', `LABEL test=${name}`, world.archive, `localhost/${name}`])
  return `localhost/${name}`
}

async function fail(args: readonly string[], words: string, options = {}): Promise<void> {
  const ended = await bryo(args, options)
  expect(ended.code, args.join(' ')).toBe(125)
  expect(ended.stderr).toContain(words)
}

const login = (host: string, password = PASSWORD, more: readonly string[] = []) =>
  bryo(['login', '-u', USER, '--password-stdin', ...more, host], { input: `${password}\n` })

const protectedRegistry = await startSecureRegistry(world, 'htpasswd')
afterAll(async () => protectedRegistry?.close())

describe.runIf(protectedRegistry)('a registry with TLS and logins', () => {
  const registry = protectedRegistry as SecureRegistry
  const host = registry?.host ?? ''
  beforeAll(() => registry.trust(true))
  afterEach(() => bryo(['logout', '--all']))

  it('is not believed without its authority', async () => {
    registry.trust(false)
    await fail(['push', IMAGE, `${host}/app:1`], 'cannot trust registry')
    await fail(['login', '-u', USER, '--password-stdin', host], 'cannot trust registry', { input: PASSWORD })
    registry.trust(true)
  })

  it('login keeps what the registry takes, for the user alone, and logout forgets it', async () => {
    const refused = await login(host, 'wrong')
    expect(refused).toMatchObject({ code: 125, stdout: '' })
    expect(refused.stderr).toContain('invalid username/password')
    expect(existsSync(runtimeAuth)).toBe(false)
    await fail(['login', '--get-login', host], `not logged into ${host}`)

    expect(await login(host)).toMatchObject({ code: 0, stdout: 'Login Succeeded!\n', stderr: '' })
    expect(statSync(runtimeAuth).mode & 0o777).toBe(0o600)
    expect(await succeed(['login', '--get-login', host])).toBe(USER)
    expect(await succeed(['login', '--verify', host])).toBe('Login is valid.')

    expect(await succeed(['logout', host])).toBe(`Removed login credentials for ${host}`)
    await fail(['logout', host], `not logged into ${host}`)
    expect(JSON.parse(readFileSync(runtimeAuth, 'utf8'))).toEqual({ auths: {} })
  })

  it('login needs a user name for --password-stdin, and a terminal for questions', async () => {
    await fail(['login', '--password-stdin', host], '--username', { input: PASSWORD })
    await fail(['login', host], 'no terminal')
  })

  it('a login of another file and of REGISTRY_AUTH_FILE is used, and other members of it stay', async () => {
    const file = join(directory, 'auth.json')
    writeFileSync(
      file,
      JSON.stringify({ auths: { 'other.example': { auth: 'eDp5' } }, detachKeys: 'ctrl-x' }),
    )
    give(directory)
    expect(await login(host, PASSWORD, ['--authfile', file])).toMatchObject({ code: 0 })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      auths: { 'other.example': { auth: 'eDp5' }, [host]: {} },
      detachKeys: 'ctrl-x',
    })
    expect(existsSync(runtimeAuth) && readFileSync(runtimeAuth, 'utf8').includes(host)).toBe(false)
    await fail(['push', IMAGE, `${host}/app:file`], 'asks for a login')
    await succeed(['push', IMAGE, `${host}/app:file`], { env: { REGISTRY_AUTH_FILE: file } })
  })

  it('--creds logs in once', async () => {
    await fail(['push', IMAGE, `${host}/app:creds`], 'asks for a login')
    await succeed(['push', '--creds', `${USER}:${PASSWORD}`, IMAGE, `${host}/app:creds`])
    await fail(['pull', '--creds', `${USER}:wrong`, `${host}/app:creds`], '401')
  })

  it('push prints the digest, sends nothing twice, and pull gives the same digest', async () => {
    await login(host)
    const digestFile = join(directory, 'digest')
    const digest = await succeed(['push', '--digestfile', digestFile, IMAGE, `${host}/team/app:1`])
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(readFileSync(digestFile, 'utf8')).toBe(digest)
    const again = await bryo(['push', IMAGE, `docker://${host}/team/app:2`])
    expect(again).toMatchObject({ code: 0, stdout: `${digest}\n` })
    expect(again.stderr).toContain('already here')
    await succeed(['pull', `${host}/team/app:1`])
    expect(await succeed(['inspect', '--format', '{{.Digest}}', `${host}/team/app:1`])).toBe(digest)
    expect(await succeed(['push', `${host}/team/app:1`, `${host}/elsewhere/app:1`])).toBe(digest)
    expect(await succeed(['pull', '--all-tags', '-q', `${host}/team/app`])).toMatch(
      /^[0-9a-f]{64}\n[0-9a-f]{64}$/,
    )
    expect(
      await succeed(['events', '--stream=false', '--filter', 'event=push', '--format', '{{.Name}}']),
    ).toContain(`${host}/elsewhere/app:1`)
  })

  it('push writes other formats and compressions, whose images run', async () => {
    await login(host)
    const raw = async (name: string) => JSON.parse(await succeed(['manifest', 'inspect', `docker://${name}`]))
    for (const [flags, manifest, layer] of [
      [['--format', 'docker'], 'application/vnd.docker.distribution.manifest.v2+json', /\.tar\.gzip$/],
      [['--compression-format', 'zstd'], 'application/vnd.oci.image.manifest.v1+json', /\+zstd$/],
    ] as const) {
      const name = `${host}/kinds:${flags[1]}`
      await succeed(['push', ...flags, IMAGE, name])
      const document = await raw(name)
      expect(document.mediaType).toBe(manifest)
      expect(document.layers[0].mediaType).toMatch(layer)
      await succeed(['pull', '-q', name])
      expect(await succeed(['run', '--rm', '--network', 'none', name, 'cat', '/etc/greeting'])).toBe(
        'hello from the image',
      )
    }
    await fail(
      ['push', '--format', 'docker', '--compression-format', 'zstd', IMAGE, `${host}/kinds:no`],
      '--format oci',
    )
    await fail(['push', IMAGE, 'oci:/tmp/x'], 'it is no registry')
  })

  it('a second push compresses and sends nothing', async () => {
    await login(host)
    const local = await makeImage('twice')
    const diffId = await succeed(['inspect', '--format', '{{index .RootFS.Layers 0}}', local])
    const blob = join(world.dataRoot, 'blobs', diffId.replace(':', '/'))
    const forms = join(world.dataRoot, 'layers', diffId.slice(7, 23), 'compressed.json')
    for (const flags of [[], ['--compression-format', 'zstd', '--compression-level', '5']]) {
      const digest = await succeed(['push', ...flags, local, `${host}/twice:1`])
      // What is not there can neither be read nor compressed.
      renameSync(blob, `${blob}.away`)
      expect(await succeed(['push', ...flags, local, `${host}/twice:2`])).toBe(digest)
      expect(await succeed(['push', ...flags, local, `${host}/twice-elsewhere:1`])).toBe(digest)
      renameSync(`${blob}.away`, blob)
      writeFileSync(forms, '{"forms": [{}')
      expect(await succeed(['push', ...flags, local, `${host}/twice:3`])).toBe(digest)
    }
    expect(JSON.parse(readFileSync(forms, 'utf8')).forms).toHaveLength(1)
  })

  it('search finds repositories by the catalog, and lists tags', async () => {
    await login(host)
    await succeed(['push', '-q', IMAGE, `${host}/found/one:a`])
    await succeed(['push', '-q', IMAGE, `${host}/found/one:b`])
    expect(await succeed(['search', '--format', '{{.Name}}', `${host}/found`])).toBe(`${host}/found/one`)
    expect(await succeed(['search', `${host}/nowhere`])).toMatch(/^NAME +DESCRIPTION$/)
    await fail(
      ['search', '--filter', 'stars=many', `${host}/found`],
      'invalid filter "stars=many", expected a number',
    )
    const tags = JSON.parse(await succeed(['search', '--list-tags', '--format', 'json', `${host}/found/one`]))
    expect(tags).toMatchObject([{ Name: `${host}/found/one` }])
    expect(tags[0].Tags.toSorted()).toEqual(['a', 'b'])
  })

  it('manifest makes, changes and pushes a list, of which pull takes the platform', async () => {
    await login(host)
    const arm = await makeImage('arm')
    await succeed(['push', '-q', '--compression-format', 'zstd', arm, `${host}/arm/app:1`])
    const own = await makeImage('own')
    await succeed(['manifest', 'create', 'multi', own])
    await fail(['manifest', 'create', 'multi'], 'the name is in use')
    await succeed([
      'manifest',
      'add',
      '--arch',
      'arm',
      '--variant',
      'v7',
      'multi',
      `docker://${host}/arm/app:1`,
    ])
    await succeed(['manifest', 'annotate', '--annotation', 'a=b', 'multi', own])
    await fail(['manifest', 'annotate', '--annotation', 'a', 'multi', own], 'expected key=value')
    const shown = JSON.parse(await succeed(['manifest', 'inspect', 'multi']))
    expect(shown.manifests).toMatchObject([
      { annotations: { a: 'b' } },
      { platform: { architecture: 'arm', os: 'linux', variant: 'v7' } },
    ])
    const digest = await succeed(['manifest', 'push', 'multi', `${host}/multi:1`])
    const remote = JSON.parse(await succeed(['manifest', 'inspect', `docker://${host}/multi:1`]))
    expect(remote).toEqual(shown)
    await succeed(['pull', '-q', `${host}/multi@${digest}`])
    await succeed(['pull', '-q', '--platform', 'linux/arm/v7', `${host}/multi:1`])
    expect(await bryo(['manifest', 'exists', 'multi'])).toMatchObject({ code: 0, stdout: '' })
    await succeed(['manifest', 'rm', 'multi'])
    expect(await bryo(['manifest', 'exists', 'multi'])).toMatchObject({ code: 1 })
  })

  it.runIf(hasSkopeo)('what skopeo pushes goes through bryo with its digest, and the other way', async () => {
    await login(host)
    const skopeo = async (...args: readonly string[]) => {
      const ended = await world.command(['skopeo', ...args])
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      return ended.stdout
    }
    const certs = join(world.home, '.config/containers/certs.d', host)
    const digestOf = async (name: string) =>
      JSON.parse(await skopeo('inspect', '--cert-dir', certs, `docker://${name}`)).Digest
    const pushed = await succeed(['push', await makeImage('skopeo'), `${host}/skopeo/ours:1`])
    expect(await digestOf(`${host}/skopeo/ours:1`)).toBe(pushed)
    const copy = ['copy', '--insecure-policy', '--src-cert-dir', certs, '--dest-cert-dir', certs]
    await skopeo(
      ...copy,
      '--format',
      'v2s2',
      `docker://${host}/skopeo/ours:1`,
      `docker://${host}/skopeo/theirs:1`,
    )
    const theirs = await digestOf(`${host}/skopeo/theirs:1`)
    expect(theirs).not.toBe(pushed)
    await succeed(['pull', `${host}/skopeo/theirs:1`])
    expect(await succeed(['push', `${host}/skopeo/theirs:1`, `${host}/skopeo/back:1`])).toBe(theirs)
  })

  it.runIf(hasPodman && hasSkopeo)('podman takes what bryo pushed', async () => {
    const pushed = await succeed(['push', '--creds', `${USER}:${PASSWORD}`, IMAGE, `${host}/podman/app:1`])
    const certs = join(world.home, '.config/containers/certs.d', host)
    // Podman takes no runtime directory of more than 50 characters.
    const runRoot = (await world.command(['mktemp', '-d', '/tmp/podman.XXXXXX'])).stdout.trim()
    const podman = ['podman', '--root', join(directory, 'podman'), '--runroot', runRoot]
    const storage = ['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs']
    const flags = ['-q', '--cert-dir', certs, '--creds', `${USER}:${PASSWORD}`]
    const pulled = await world.command([...podman, ...storage, 'pull', ...flags, `${host}/podman/app:1`])
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    const shown = await world.command([...podman, ...storage, 'images', '--format', '{{.Digest}}'])
    expect(shown.stdout.trim()).toBe(pushed)
    await world.command([...podman, ...storage, 'rmi', '-af'])
    await world.command([...podman, ...storage, 'unshare', 'rm', '-rf', join(directory, 'podman')])
    // Ends the process that keeps its user namespace.
    await world.command([...podman, ...storage, 'system', 'migrate'])
    await world.command(['rm', '-rf', runRoot])
  })

  it('an image that comes in several forms keeps each under its name and digest', async () => {
    await login(host)
    const local = await makeImage('forms')
    const forms = {
      oci: ['--format', 'oci'],
      docker: ['--format', 'docker'],
      zstd: ['--compression-format', 'zstd'],
    }
    const digests: Record<string, string> = {}
    for (const [name, flags] of Object.entries(forms)) {
      digests[name] = await succeed(['push', ...flags, local, `${host}/forms:${name}`])
    }
    await succeed(['rmi', local])
    for (const name of Object.keys(forms)) await succeed(['pull', '-q', `${host}/forms:${name}`])
    expect(new Set(Object.values(digests)).size).toBe(3)
    const shown = async (name: string) => await succeed(['inspect', '--format', '{{.Digest}}', name])
    for (const [name, digest] of Object.entries(digests)) {
      const full = `${host}/forms:${name}`
      expect(await shown(full)).toContain(digest)
      expect(await shown(`${host}/forms@${digest}`)).toContain(digest)
      expect(await succeed(['images', '--digests', '--noheading', '--format', '{{.Digest}}', full])).toBe(
        digest,
      )
      expect(await succeed(['push', full, `${host}/forms-again:${name}`])).toBe(digest)
      expect(await succeed(['push', `${host}/forms@${digest}`, `${host}/forms-again:d`])).toBe(digest)
      await succeed(['save', '--format', 'oci-archive', '-o', join(directory, `${name}.tar`), full])
      await succeed(['tag', full, `localhost/tagged:${name}`])
      expect(await shown(`tagged:${name}`)).toContain(digest)
    }
    await succeed(['rmi', '--force', await succeed(['inspect', '--format', '{{.Id}}', 'tagged:oci'])])
    for (const [name, digest] of Object.entries(digests)) {
      await succeed(['load', '-q', '-i', join(directory, `${name}.tar`)])
      expect(await shown(`${host}/forms:${name}`)).toContain(digest)
    }
    await succeed(['untag', `${host}/forms:zstd`, `${host}/forms:docker`])
    expect(await succeed(['rmi', `${host}/forms@${digests.docker}`])).toBe(
      `Untagged: ${host}/forms@${digests.docker}`,
    )
    expect((await bryo(['image', 'exists', `${host}/forms@${digests.docker}`])).code).toBe(1)
    expect(await shown(`${host}/forms:zstd`)).toBe(digests.zstd)
    expect(await succeed(['system', 'check'])).toBe('')
    for (const name of ['oci', 'zstd']) await succeed(['rmi', `${host}/forms:${name}`])
  })

  it('image copy goes between registry, archives, directories and the store with one digest', async () => {
    await login(host)
    const digest = await succeed(['push', await makeImage('copied'), `${host}/copy/first:1`])
    const at = (name: string) => join(directory, name)
    const places = [`oci:${at('copy-oci')}:a`, `dir:${at('copy-dir')}`, `oci-archive:${at('copy.tar')}`]
    for (const place of places) {
      expect(await succeed(['image', 'copy', `docker://${host}/copy/first:1`, place])).toBe(digest)
      expect(await succeed(['image', 'copy', place, `docker://${host}/copy/second:1`])).toBe(digest)
      await succeed(['image', 'copy', place, 'containers-storage:again'])
      await fail(['image', 'copy', place, `containers-storage:again@${digest}`], 'expected a tag')
      expect(await succeed(['inspect', '--format', '{{.Digest}}', 'localhost/again'])).toBe(digest)
      if (!hasSkopeo) continue
      const shown = await world.command(['skopeo', 'inspect', place.replace(/:a$/, '')])
      expect(JSON.parse(shown.stdout).Digest).toBe(digest)
    }
    await succeed(['image', 'copy', 'localhost/again', `docker-archive:${at('copy-docker.tar')}:team/app:7`])
    expect(await succeed(['load', '-q', '-i', at('copy-docker.tar')])).toContain('team/app:7')
    expect(await succeed(['image', 'copy', 'again', `docker://${host}/copy/third:1`])).toBe(digest)
    await fail(
      ['image', 'copy', `docker://${host}/copy/first:1`, places[0] ?? ''],
      'expected an empty directory',
    )
    await fail(['image', 'copy', '--all', 'again', `docker://${host}/copy/third:1`], 'between registries')

    await succeed(['manifest', 'create', 'pair', 'localhost/again', await makeImage('pair-other')])
    const list = await succeed(['manifest', 'push', 'pair', `${host}/copy/list:1`])
    const copyAll = ['image', 'copy', '--all', `docker://${host}/copy/list:1`]
    expect(await succeed([...copyAll, `docker://${host}/copy/list-again:1`])).toBe(list)
    await succeed(['manifest', 'rm', 'pair'])
  })

  it('a credential helper keeps logins in the place of a file', async () => {
    const helpers = world.makeDirectory('helpers')
    const kept = join(helpers, 'kept')
    const helper = join(helpers, 'docker-credential-tests')
    const script = `#!/bin/sh
case $1 in
store) cat > ${kept} ;;
get) read server; grep -q "\\"$server\\"" ${kept} 2>/dev/null && cat ${kept} || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm -f ${kept} ;;
list) echo '{}' ;;
esac
`
    writeFileSync(helper, script, { mode: 0o755 })
    const file = join(helpers, 'auth.json')
    writeFileSync(file, JSON.stringify({ credHelpers: { [host]: 'tests' } }))
    give(helpers)
    const env = { PATH: `${helpers}:${PATH}`, REGISTRY_AUTH_FILE: file }
    expect(
      await bryo(['login', '-u', USER, '--password-stdin', host], { input: PASSWORD, env }),
    ).toMatchObject({ code: 0 })
    expect(readFileSync(file, 'utf8')).not.toContain('auths')
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual({
      ServerURL: host,
      Username: USER,
      Secret: PASSWORD,
    })
    expect(await succeed(['login', '--get-login', host], { env })).toBe(USER)
    await succeed(['push', '-q', IMAGE, `${host}/helper:1`], { env })
    await succeed(['logout', host], { env })
    expect(existsSync(kept)).toBe(false)
    await fail(['pull', `${host}/helper:1`], 'asks for a login', { env })
    await fail(['pull', `${host}/helper:1`], 'there is no docker-credential-tests', {
      env: { REGISTRY_AUTH_FILE: file },
    })
    writeFileSync(file, JSON.stringify({ credsStore: '../helpers/docker-credential-tests' }))
    await fail(['pull', `${host}/helper:1`], 'it is no name', { env })
  })
})

const tokenRegistry = await startSecureRegistry(world, 'token')
afterAll(async () => tokenRegistry?.close())

describe.runIf(tokenRegistry)('a registry with a token server', () => {
  const registry = tokenRegistry as SecureRegistry
  const host = registry?.host ?? ''
  beforeAll(() => {
    registry.trust(true)
    // The token server is a host of its own with the same authority.
    const tokenHost = new URL(registry.tokens?.realm ?? '').host
    const certs = join(world.home, '.config/containers/certs.d')
    const target = world.makeDirectory('token-certs')
    writeFileSync(join(target, 'ca.crt'), readFileSync(registry.certificates.ca))
    give(target)
    return world.command(['cp', '-r', target, join(certs, tokenHost)])
  })
  const seen = () => registry.tokens?.requests.at(-1)
  const creds = ['--creds', `${USER}:${PASSWORD}`]

  it('gives tokens to pull and push for those who may, and to pull for all', async () => {
    await fail(['push', IMAGE, `${host}/app:1`], '401')
    await succeed(['push', ...creds, IMAGE, `${host}/app:1`])
    expect(seen()).toMatchObject({ scopes: ['repository:app:pull,push'] })
    await succeed(['pull', '-q', `${host}/app:1`])
    expect(seen()).toMatchObject({ scopes: ['repository:app:pull'], authorization: undefined })
  })

  it('asks for the right to mount from the repository that the image was in', async () => {
    await succeed(['push', ...creds, `${host}/app:1`, `${host}/other/app:1`])
    expect(seen()?.scopes).toEqual(['repository:other/app:pull,push', 'repository:app:pull'])
  })

  it('login asks the token server; a wrong password is refused', async () => {
    const refused = await login(host, 'wrong')
    expect(refused).toMatchObject({ code: 125 })
    expect(await login(host)).toMatchObject({ code: 0 })
    await succeed(['logout', host])
  })

  it('exchanges an identity token', async () => {
    const file = join(directory, 'identity.json')
    writeFileSync(file, JSON.stringify({ auths: { [host]: { identitytoken: IDENTITY_TOKEN } } }))
    give(directory)
    await succeed(['push', '--authfile', file, IMAGE, `${host}/identity:1`])
    expect(seen()).toMatchObject({ method: 'POST', authorization: undefined })
    expect(Object.fromEntries(seen()?.form ?? [])).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: IDENTITY_TOKEN,
      scope: expect.stringContaining('repository:identity:pull,push'),
    })
  })
})
