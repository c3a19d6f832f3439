import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Handler, startServer, type TestServer } from '../image/support/registry.ts'
import { answer, blobPath, honestImage, manifestPath } from '../security/support/registry.ts'
import { type SecureRegistry, startSecureRegistry } from './support/secureRegistry.ts'
import { give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const { answers } = honestImage(world)
const layer = readFileSync(world.archive)
const INSECURE = '--tls-verify=false'

const servers: TestServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  const names = (await bryo(['images', '--format', '{{.Repository}}:{{.Tag}}'])).stdout.trim().split('\n')
  await bryo(['rmi', '--force', '--ignore', ...names.filter((name) => name !== IMAGE)])
})

async function serve(handler: Handler, address?: string): Promise<TestServer> {
  const server = await startServer(handler, address)
  servers.push(server)
  return server
}

const honest: Handler = (request, response) => answer(response, answers.get(request.url ?? ''))

function configure(text: string): Readonly<Record<string, string>> {
  const path = join(world.makeDirectory('registries'), 'registries.conf')
  writeFileSync(path, text)
  give(path)
  return { CONTAINERS_REGISTRIES_CONF: path }
}

describe('a pull from a registry in trouble', () => {
  it('that was cut goes on where it stood when the cause is gone', async () => {
    const half = Math.floor(layer.length / 2)
    let healthy = false
    const ranges: (string | undefined)[] = []
    const server = await serve((request, response) => {
      if (request.url !== blobPath(layer)) return honest(request, response)
      ranges.push(request.headers.range)
      if (!healthy) {
        response.writeHead(200, { 'content-length': layer.length })
        response.write(layer.subarray(0, half), () => response.destroy())
        return
      }
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const range = { 'content-range': `bytes ${start}-${layer.length - 1}/${layer.length}` }
      response.writeHead(start > 0 ? 206 : 200, start > 0 ? range : {}).end(layer.subarray(start))
    })
    const name = `${server.host}/app:latest`
    // The world's own store has the layer.
    const other = ['--root', world.makeDirectory('other'), '--runroot', world.makeDirectory('other-run')]
    const broken = await bryo([...other, 'pull', INSECURE, '--retry', '0', name])
    expect(broken).toMatchObject({ code: 125, stdout: '' })
    expect(broken.stderr).toContain('what has come so far is kept')
    expect(await bryo([...other, 'image', 'exists', name])).toMatchObject({ code: 1 })
    expect(ranges).toEqual([undefined])
    healthy = true
    expect(await bryo([...other, 'pull', INSECURE, name])).toMatchObject({ code: 0 })
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0)
    expect(await bryo([...other, 'run', '--rm', '--network', 'none', name])).toMatchObject({
      stdout: 'hello from the image\n',
    })
    expect(await bryo([...other, 'rmi', '--all', '--force'])).toMatchObject({ code: 0 })
  })

  it.each([429, 500, 502, 503])(
    'that answers %i is asked again, and given up after --retry',
    async (status) => {
      let refusals = 2
      const server = await serve((request, response) => {
        if (request.url !== manifestPath('latest') || refusals-- <= 0) return honest(request, response)
        response.writeHead(status, { 'retry-after': '0' }).end('{}')
      })
      const name = `${server.host}/app:latest`
      const asked = () => server.requests.filter(({ path }) => path === manifestPath('latest')).length
      const refused = await bryo(['pull', INSECURE, '--retry', '1', name])
      expect(refused).toMatchObject({ code: 125, stdout: '' })
      expect(refused.stderr).toContain(`answered ${status}`)
      expect(asked()).toBe(2)
      refusals = 2
      expect(await bryo(['pull', INSECURE, '--retry-delay', '1ms', name])).toMatchObject({ code: 0 })
    },
  )
})

describe('registries.conf', () => {
  it('names mirrors, which are asked first and get no --creds, and passed over where they fail', async () => {
    const seen: (string | undefined)[] = []
    const guarded: Handler = (request, response) => {
      seen.push(request.headers.authorization)
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="m"' }).end()
      } else honest(request, response)
    }
    const failing = await serve(guarded)
    const mirror = await serve(honest)
    const env = configure(`
[[registry]]
prefix = "registry.invalid"
[[registry.mirror]]
location = "${failing.host}"
insecure = true
[[registry.mirror]]
location = "${mirror.host}"
insecure = true
`)
    const pulled = await bryo(['pull', '--creds', 'ana:secret', 'registry.invalid/app'], { env })
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.every((authorization) => authorization === undefined)).toBe(true)
    expect(mirror.requests.length).toBeGreaterThan(0)
    expect(await bryo(['image', 'exists', 'registry.invalid/app'])).toMatchObject({ code: 0 })
  })

  it('gives short names, insecure registries and other locations', async () => {
    const server = await serve(honest)
    const env = configure(`
[aliases]
greeter = "tools.invalid/team/app"
[[registry]]
prefix = "tools.invalid/team"
location = "${server.host}"
insecure = true
`)
    expect(await bryo(['pull', '-q', 'greeter'], { env })).toMatchObject({ code: 0 })
    expect(await bryo(['image', 'exists', 'tools.invalid/team/app:latest'])).toMatchObject({ code: 0 })
    const count = server.requests.length
    expect(await bryo(['pull', '-q', '--policy', 'missing', 'greeter'], { env })).toMatchObject({ code: 0 })
    expect(server.requests.length).toBe(count)
    const id = (await bryo(['images', '-q', '--no-trunc', 'tools.invalid/team/app'])).stdout.trim()
    const run = ['run', '--rm', '--network', 'none']
    for (const args of [
      ['image', 'exists', 'greeter'],
      ['inspect', 'greeter'],
      ['history', 'greeter:latest'],
      ['image', 'tree', 'greeter'],
      ['image', 'diff', 'greeter'],
      ['save', '-o', `${world.work}/greeter.tar`, 'greeter'],
      ['image', 'copy', 'greeter', `oci:${world.work}/greeter`],
      [...run, '--pull', 'never', 'greeter', 'true'],
      [...run, '--mount', 'type=image,src=greeter,dst=/mnt', IMAGE, 'true'],
      ['manifest', 'create', 'greeters', 'greeter'],
      ['manifest', 'rm', 'greeters'],
      ['tag', 'greeter', 'localhost/greeted'],
      ['untag', 'greeted', 'greeted'],
    ]) {
      const ended = await bryo(args, { env })
      expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
    }
    expect((await bryo(['rmi', 'greeter'], { env })).stdout).toContain(id.replace('sha256:', ''))
    expect(await bryo(['image', 'exists', 'greeter'], { env })).toMatchObject({ code: 1 })
    expect((await bryo(['rmi', 'greeter'], { env })).stderr).toContain('greeter: image not known')
    expect(server.requests.length).toBe(count)
  })

  it('blocks registries, for push and login as well', async () => {
    const server = await serve(honest)
    const env = configure(`[[registry]]\nprefix = "${server.host}"\nblocked = true\n`)
    for (const args of [
      ['pull', INSECURE, `${server.host}/app`],
      ['push', INSECURE, IMAGE, `${server.host}/app`],
      ['login', INSECURE, '-u', 'ana', '-p', 'x', server.host],
    ]) {
      const ended = await bryo(args, { env })
      expect(ended.code).toBe(125)
      expect(ended.stderr).toContain('it is blocked in')
    }
    expect(server.requests).toEqual([])
  })
})

const registry = (await startSecureRegistry(world, 'client-certificate')) as SecureRegistry
afterAll(async () => registry?.close())

describe.runIf(registry)('a registry that asks for certificates', () => {
  const certs = () => join(world.home, '.config/containers/certs.d', registry.host)
  beforeAll(() => {
    registry.trust(true)
    const { cert, key } = registry.certificates.client('ana')
    cpSync(cert, join(certs(), 'ana.cert'))
    cpSync(key, join(certs(), 'ana.key'))
    give(certs())
  })

  it("gets the user's own, from certs.d or --cert-dir", async () => {
    const name = `${registry.host}/app:1`
    expect(await bryo(['push', IMAGE, name])).toMatchObject({ code: 0 })
    const directory = world.makeDirectory('no-client')
    cpSync(registry.certificates.ca, join(directory, 'ca.crt'))
    give(directory)
    expect(await bryo(['pull', '--cert-dir', directory, '--retry', '0', name])).toMatchObject({ code: 125 })
    expect(await bryo(['pull', '--cert-dir', certs(), name])).toMatchObject({ code: 0 })
  })

  it('is reached by a proxy where one is named', async () => {
    const asked: string[] = []
    const proxy: Server = createServer()
    proxy.on('connect', (request, client) => {
      asked.push(request.url ?? '')
      const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(client).pipe(upstream)
      })
      for (const socket of [upstream, client]) socket.on('error', () => socket.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const address = proxy.address()
    const port = typeof address === 'object' ? address?.port : 0
    const far = registry.host.replace('127.0.0.1', '127.0.0.2')
    const other = join(certs(), '..', far)
    mkdirSync(other, { recursive: true })
    cpSync(certs(), other, { recursive: true })
    give(other)
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}` }
    expect(await bryo(['push', IMAGE, `${far}/proxied:1`], { env })).toMatchObject({ code: 0 })
    expect(asked).toContain(far)
    asked.length = 0
    expect(await bryo(['pull', `${registry.host}/proxied:1`], { env })).toMatchObject({ code: 0 })
    await bryo(['pull', '--retry', '0', `${far}/proxied:1`], { env: { ...env, NO_PROXY: '127.0.0.2' } })
    expect(asked).toEqual([])
    proxy.closeAllConnections()
    proxy.close()
  })
})
