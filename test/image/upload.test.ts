import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/image/registry/connect.ts'
import { openDestination } from '../../src/image/registry/destination.ts'
import { uploadBlob } from '../../src/image/registry/upload.ts'
import { digestOf } from '../../src/image/verify.ts'
import { type Handler, startServer, type TestServer, testOptions } from './support/registry.ts'

const servers: TestServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function serve(handler: Handler, address?: string): Promise<TestServer> {
  const server = await startServer(handler, address)
  servers.push(server)
  return server
}

const content = Buffer.alloc(1_000_000, 'abcdefghij')
const blob = {
  digest: digestOf(content),
  size: content.length,
  open: function* (offset: number, length: number) {
    for (let at = offset; at < offset + length; at += 65_536) {
      yield content.subarray(at, Math.min(at + 65_536, offset + length))
    }
  },
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A registry with one upload; `cutAt` gives how many bytes of a part it takes before it drops the connection. */
function uploads(cutAt: (part: number) => number | undefined = () => undefined) {
  const state = { received: Buffer.alloc(0), parts: 0, starts: 0, done: '' }
  const handler: Handler = async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x')
    const range = {
      location: `/v2/app/blobs/uploads/one`,
      range: `0-${Math.max(0, state.received.length - 1)}`,
    }
    if (request.method === 'HEAD') {
      response.writeHead(404).end()
    } else if (request.method === 'POST') {
      state.starts++
      response.writeHead(202, range).end()
    } else if (request.method === 'GET') {
      response.writeHead(204, range).end()
    } else if (request.method === 'PATCH') {
      const cut = cutAt(state.parts++)
      if (cut !== undefined) {
        let got = Buffer.alloc(0)
        request.on('data', (chunk: Buffer) => {
          got = Buffer.concat([got, chunk])
          if (got.length < cut) return
          request.removeAllListeners('data')
          state.received = Buffer.concat([state.received, got.subarray(0, cut)])
          request.socket.destroy()
        })
        request.on('error', () => {})
        return
      }
      expect(request.headers['content-range']).toMatch(new RegExp(`^${state.received.length}-\\d+$`))
      state.received = Buffer.concat([state.received, await bodyOf(request)])
      const end = `0-${state.received.length - 1}`
      response.writeHead(202, { ...range, range: end }).end()
    } else {
      state.received = Buffer.concat([state.received, await bodyOf(request)])
      state.done = url.searchParams.get('digest') ?? ''
      response.writeHead(201).end()
    }
  }
  return { state, handler }
}

async function upload(server: TestServer, partBytes: number, delays: number[] = []): Promise<void> {
  using connection = await connect(testOptions(delays), {
    domain: server.host,
    root: '/v2/app/',
    scopes: [],
    login: server.host,
    purpose: 'push to',
  })
  await uploadBlob(connection.session, blob, { retry: connection.retry, partBytes })
}

describe('uploadBlob()', () => {
  it('sends a small blob in one request', async () => {
    const { state, handler } = uploads()
    await upload(await serve(handler), 10_000_000)
    expect(state).toMatchObject({ parts: 0, starts: 1, done: blob.digest })
    expect(state.received.equals(content)).toBe(true)
  })

  it('sends a large one in parts', async () => {
    const { state, handler } = uploads()
    await upload(await serve(handler), 300_000)
    expect(state).toMatchObject({ parts: 4, starts: 1, done: blob.digest })
    expect(state.received.equals(content)).toBe(true)
  })

  it('goes on where the connection was cut', async () => {
    const { state, handler } = uploads((part) => (part === 1 ? 100_000 : undefined))
    const delays: number[] = []
    await upload(await serve(handler), 300_000, delays)
    expect(state).toMatchObject({ starts: 1, done: blob.digest })
    expect(state.received.equals(content)).toBe(true)
    expect(delays).toHaveLength(1)
  })

  it('starts again where the registry forgot the upload', async () => {
    const { state, handler } = uploads()
    let forgotten = false
    const server = await serve((request, response) => {
      if (request.method !== 'PATCH' || forgotten || state.received.length === 0)
        return handler(request, response)
      forgotten = true
      state.received = Buffer.alloc(0)
      request.resume()
      request.on('end', () => response.writeHead(404).end())
    })
    await upload(server, 300_000)
    expect(state).toMatchObject({ starts: 2, done: blob.digest })
    expect(state.received.equals(content)).toBe(true)
  })

  it('gives up a registry that never takes it', async () => {
    const server = await serve((request, response) => {
      request.resume()
      request.on('end', () => response.writeHead(503).end())
    })
    await expect(upload(server, 300_000)).rejects.toThrow(
      expect.objectContaining({ code: 'REGISTRY', message: expect.stringContaining('answered 503') }),
    )
  })

  it('says that the registry refuses it, without a further try', async () => {
    const delays: number[] = []
    const server = await serve((request, response) => {
      request.resume()
      response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'no' }] }))
    })
    await expect(upload(server, 300_000, delays)).rejects.toThrow(
      expect.objectContaining({ code: 'AUTH_REQUIRED', message: expect.stringContaining('DENIED: no') }),
    )
    expect(delays).toEqual([])
  })
})

describe('Destination', () => {
  const open = (server: TestServer) => openDestination({ domain: server.host, path: 'app' }, testOptions())

  it('mounts a blob, and cancels the upload that a registry begins instead', async () => {
    const methods: string[] = []
    const server = await serve((request, response) => {
      methods.push(`${request.method} ${request.url}`)
      if (request.url?.includes('from=there')) response.writeHead(201).end()
      else if (request.method === 'POST')
        response.writeHead(202, { location: '/v2/app/blobs/uploads/x' }).end()
      else response.writeHead(204).end()
    })
    using destination = await open(server)
    expect(await destination.mountBlob(blob.digest, 'there')).toBe(true)
    expect(await destination.mountBlob(blob.digest, 'elsewhere')).toBe(false)
    expect(methods.at(-1)).toBe('DELETE /v2/app/blobs/uploads/x')
  })

  it('does not believe that another manifest was stored', async () => {
    const server = await serve((request, response) => {
      request.resume()
      response.writeHead(201, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end()
    })
    using destination = await open(server)
    await expect(destination.putManifest('1', Buffer.from('{}'), 'x/y')).rejects.toThrow(
      expect.objectContaining({ code: 'DIGEST_MISMATCH' }),
    )
  })

  it('sends no body along a redirect that changes the method', async () => {
    const server: TestServer = await serve((request, response) => {
      request.resume()
      response.writeHead(302, { location: `http://${server.host}/elsewhere` }).end()
    })
    using destination = await open(server)
    await expect(destination.putManifest('1', Buffer.from('{}'), 'x/y')).rejects.toThrow('with a redirect')
    expect(server.requests.map(({ path }) => path)).not.toContain('/elsewhere')
  })

  it('sends a login to no other host that the registry names for an upload (CVE-2020-15157)', async () => {
    const foreign = await serve((request, response) => {
      request.resume()
      request.on('end', () => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end())
    }, '127.0.0.2')
    const server = await serve((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      } else {
        response.writeHead(202, { location: `http://${foreign.host}/v2/app/blobs/uploads/one` }).end()
      }
    })
    const credentials = { username: 'ana', password: 'secret' }
    using destination = await openDestination(
      { domain: server.host, path: 'app' },
      testOptions([], { credentials }),
    )
    await expect(destination.uploadBlob(blob)).rejects.toThrow(
      expect.objectContaining({ code: 'AUTH_REQUIRED' }),
    )
    expect(foreign.requests.length).toBeGreaterThan(0)
    expect(foreign.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
  })
})
