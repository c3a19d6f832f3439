import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Descriptor } from '../../src/base/image.ts'
import { MEDIA_TYPE } from '../../src/image/mediaTypes.ts'
import type { RegistryOptions } from '../../src/image/registry/connect.ts'
import { openRepository } from '../../src/image/registry/repository.ts'
import { digestOf } from '../../src/image/verify.ts'
import { descriptorOf, smallImage } from './support/image.ts'
import { type Handler, startServer, type TestServer, testOptions } from './support/registry.ts'

const servers: TestServer[] = []
let delays: number[] = []
beforeEach(() => {
  delays = []
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function serve(handler: Handler, address?: string): Promise<TestServer> {
  const server = await startServer(handler, address)
  servers.push(server)
  return server
}

function repositoryOf(server: TestServer, options: Partial<RegistryOptions> = {}) {
  return openRepository({ domain: server.host, path: 'app' }, testOptions(delays, options))
}

async function readBlob(server: TestServer, descriptor: Descriptor, offset = 0, options = {}) {
  using repository = await repositoryOf(server, options)
  const parts: Uint8Array[] = []
  for await (const chunk of repository.openBlob(descriptor, offset)) parts.push(chunk)
  return Buffer.concat(parts)
}

const image = smallImage()
const content = Buffer.alloc(300_000, 'abcdefghij')
const blob = descriptorOf(MEDIA_TYPE.ociLayer, content)

function failing(code: string, message: string) {
  return expect.objectContaining({ code, message: expect.stringContaining(message) })
}

describe('Repository.fetchManifest()', () => {
  it('gives the bytes, their digest and their type', async () => {
    const server = await serve((_, response) => {
      response.setHeader('content-type', `${MEDIA_TYPE.ociManifest}; charset=utf-8`)
      response.end(image.manifestBytes)
    })
    using repository = await repositoryOf(server)
    expect(await repository.fetchManifest('latest')).toEqual({
      bytes: image.manifestBytes,
      digest: image.manifest.digest,
      mediaType: MEDIA_TYPE.ociManifest,
    })
    expect(server.requests.at(-1)?.path).toBe('/v2/app/manifests/latest')
  })

  it('refuses a manifest that is not what its digest names', async () => {
    const server = await serve((_, response) => response.end(image.manifestBytes))
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest(`sha256:${'0'.repeat(64)}`)).rejects.toThrow(
      failing('DIGEST_MISMATCH', `its digest is ${image.manifest.digest}`),
    )
  })

  it('stops an endless manifest', async () => {
    const server = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536, 0x20)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest('latest')).rejects.toThrow(
      failing('REGISTRY', 'more than 4194304 bytes'),
    )
  })

  it("tells the registry's own words, without control characters", async () => {
    const server = await serve((_, response) => {
      response.statusCode = 404
      response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'no\u001b[31m such' }] }))
    })
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest('nope')).rejects.toThrow(
      failing('NOT_FOUND', 'answered 404 (MANIFEST_UNKNOWN: no [31m such)'),
    )
    expect(delays).toEqual([])
  })

  it('tries again after 429 and 5xx, as long as Retry-After says, within bounds', async () => {
    let count = 0
    const server = await serve((_, response) => {
      count++
      if (count === 1) response.writeHead(429, { 'retry-after': '2' }).end()
      else if (count === 2) response.writeHead(503).end()
      else if (count === 3) response.writeHead(500, { 'retry-after': '99999' }).end()
      else response.end(image.manifestBytes)
    })
    using repository = await repositoryOf(server)
    expect((await repository.fetchManifest('latest')).digest).toBe(image.manifest.digest)
    expect(delays).toEqual([2000, 200, 10_000])
  })

  it('gives up after the allowed tries', async () => {
    const server = await serve((_, response) => response.writeHead(502).end())
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest('latest')).rejects.toThrow(failing('REGISTRY', 'answered 502'))
    expect(server.requests.filter(({ path }) => path.includes('manifests'))).toHaveLength(4)
  })

  it('ends a request on which nothing comes', async () => {
    const server = await serve(() => {})
    using repository = await repositoryOf(server, { idleTimeoutMs: 20 })
    await expect(repository.fetchManifest('latest')).rejects.toThrow(failing('NETWORK', 'no data for'))
  })

  it('says at once that nobody listens', async () => {
    const server = await startServer(() => {})
    await server.stop()
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest('latest')).rejects.toThrow(
      failing('NETWORK', `cannot reach registry "${server.host}"`),
    )
    expect(delays).toEqual([])
  })

  it('does not speak http to a registry unless told so', async () => {
    const server = await serve((_, response) => response.end(image.manifestBytes))
    using repository = await repositoryOf(server, { tlsVerify: true })
    await expect(repository.fetchManifest('latest')).rejects.toThrow(
      failing('NETWORK', 'cannot reach registry'),
    )
    expect(server.requests).toEqual([])
  })
})

describe('Repository.openBlob()', () => {
  it('streams a blob', async () => {
    const server = await serve((_, response) => response.end(content))
    expect((await readBlob(server, blob)).equals(content)).toBe(true)
    expect(server.requests.at(-1)?.path).toBe(`/v2/app/blobs/${blob.digest}`)
  })

  /** Sends what Range asks for, but cuts the connection after `piece` bytes. */
  const cutting =
    (piece: number): Handler =>
    (request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const end = Math.min(start + piece, content.length)
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': content.length - start,
        ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
      })
      response.write(content.subarray(start, end), () => {
        if (end === content.length) response.end()
        else response.socket?.end()
      })
    }

  it('goes on with Range where the connection was cut', async () => {
    const server = await serve(cutting(200_000))
    expect((await readBlob(server, blob)).equals(content)).toBe(true)
    const ranges = server.requests.map(({ range }) => range)
    expect(ranges[0]).toBeUndefined()
    const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]))
    // How much of what was sent before a cut arrives is the kernel's affair.
    expect(starts.length).toBeGreaterThan(0)
    expect(starts).toEqual([...new Set(starts)].sort((x, y) => x - y))
    expect(delays[0]).toBe(100)
  })

  it('gives up a line that is cut again and again', async () => {
    const server = await serve(cutting(10))
    await expect(readBlob(server, blob)).rejects.toThrow(failing('NETWORK', 'cannot reach registry'))
    expect(delays).toHaveLength(3)
  })

  it('starts where an earlier download ended', async () => {
    const server = await serve(cutting(1e6))
    expect((await readBlob(server, blob, 100)).equals(content.subarray(100))).toBe(true)
    expect(server.requests.at(-1)?.range).toBe('bytes=100-')
  })

  it('passes over what it has where the registry ignores Range', async () => {
    const server = await serve((_, response) => response.end(content))
    expect((await readBlob(server, blob, 70_001)).equals(content.subarray(70_001))).toBe(true)
  })

  it('refuses another range than it asked for', async () => {
    const server = await serve((_, response) =>
      response.writeHead(206, { 'content-range': `bytes 0-99/${content.length}` }).end(content),
    )
    await expect(readBlob(server, blob, 100)).rejects.toThrow(failing('REGISTRY', 'another part'))
  })

  it('refuses a blob of another size before reading it', async () => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-length': 5 }).end('12345'))
    await expect(readBlob(server, blob)).rejects.toThrow(
      failing('DIGEST_MISMATCH', '5 bytes, expected 300000'),
    )
  })

  it('cuts an endless body at the declared size', async () => {
    let sent = 0
    const server = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(content)) sent++
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    await expect(readBlob(server, blob)).rejects.toThrow(
      failing('DIGEST_MISMATCH', 'more than the declared 300000'),
    )
    expect(sent).toBeLessThan(1000)
  })

  it('refuses a body without a length that ends early', async () => {
    const server = await serve((_, response) => {
      response.write('short')
      response.end()
    })
    await expect(readBlob(server, blob)).rejects.toThrow(failing('DIGEST_MISMATCH', 'has 5 bytes of it'))
  })
})

describe('Repository with a login', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bryo-auth-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const BASIC = `Basic ${Buffer.from('ana:secret').toString('base64')}`

  function withLogin(server: TestServer): Partial<RegistryOptions> {
    const authFile = join(directory, 'auth.json')
    const auths = { [server.host]: { auth: Buffer.from('ana:secret').toString('base64') } }
    writeFileSync(authFile, JSON.stringify({ auths }))
    return { auth: { authFile, configHome: '/nonexistent', dockerConfigDir: '/nonexistent' } }
  }

  it('sends the password to a registry that asks for it, and not before', async () => {
    const server = await serve((request, response) => {
      if (request.headers.authorization === BASIC) response.end(image.manifestBytes)
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    })
    using repository = await repositoryOf(server, withLogin(server))
    await repository.fetchManifest('latest')
    await repository.fetchManifest('latest')
    expect(server.requests.map(({ authorization }) => authorization)).toEqual([undefined, BASIC, BASIC])
  })

  /** A registry with token authorisation whose tokens come from `realm`. */
  const tokenRegistry =
    (realm: () => string): Handler =>
    (request, response) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (url.pathname === '/token') {
        const scope = url.searchParams.get('scope') ?? ''
        response.end(JSON.stringify({ token: `t-${scope}-${url.searchParams.get('service')}` }))
      } else if (request.headers.authorization === 'Bearer t-repository:app:pull-reg') {
        response.end(image.manifestBytes)
      } else {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm()}",service="reg"` }).end()
      }
    }

  it('gets a token without a login, once for all requests', async () => {
    const server: TestServer = await serve(tokenRegistry(() => `http://${server.host}/token`))
    using repository = await repositoryOf(server)
    await Promise.all([1, 2, 3].map(() => repository.fetchManifest('latest')))
    expect(server.requests.filter(({ path }) => path.startsWith('/token'))).toHaveLength(1)
  })

  it('gets a token with a login', async () => {
    const server: TestServer = await serve(tokenRegistry(() => `http://${server.host}/token`))
    using repository = await repositoryOf(server, withLogin(server))
    await repository.fetchManifest('latest')
    const token = server.requests.find(({ path }) => path.startsWith('/token'))
    expect(token?.authorization).toBe(BASIC)
  })

  it('keeps the password from a token address of another site (CVE-2020-15157)', async () => {
    const foreign = await serve(
      tokenRegistry(() => ''),
      '127.0.0.2',
    )
    const server = await serve(tokenRegistry(() => `http://${foreign.host}/token`))
    using repository = await repositoryOf(server, withLogin(server))
    await repository.fetchManifest('latest')
    expect(foreign.requests).toMatchObject([{ authorization: undefined }])
  })

  it('keeps authorisation from another host that it is sent to (CVE-2020-15157)', async () => {
    const foreign = await serve((_, response) => response.end(content), '127.0.0.2')
    const server = await serve((request, response) => {
      if (request.headers.authorization !== BASIC) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      } else {
        response.writeHead(307, { location: `http://${foreign.host}/elsewhere` }).end()
      }
    })
    expect((await readBlob(server, blob, 0, withLogin(server))).equals(content)).toBe(true)
    expect(foreign.requests).toMatchObject([{ path: '/elsewhere', authorization: undefined }])
  })

  it('answers no challenge of another host (CVE-2020-15157)', async () => {
    const foreign = await serve((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    }, '127.0.0.2')
    const server = await serve((_, response) => {
      response.writeHead(307, { location: `http://${foreign.host}/elsewhere` }).end()
    })
    await expect(readBlob(server, blob, 0, withLogin(server))).rejects.toThrow(
      failing('AUTH_REQUIRED', '401'),
    )
    expect(foreign.requests).toMatchObject([{ authorization: undefined }])
  })

  it('says that a login is missing', async () => {
    const server = await serve((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    )
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest('latest')).rejects.toThrow(
      failing('AUTH_REQUIRED', 'asks for a login'),
    )
  })

  it('does not follow redirects for ever, nor to what is no web address', async () => {
    const server: TestServer = await serve((request, response) => {
      const location = request.url?.includes('file') ? 'file:///etc/passwd' : `http://${server.host}/loop`
      response.writeHead(307, { location }).end()
    })
    using repository = await repositoryOf(server)
    await expect(repository.fetchManifest('latest')).rejects.toThrow(
      failing('REGISTRY', 'more than 5 redirects'),
    )
    await expect(repository.fetchManifest('file')).rejects.toThrow(failing('REGISTRY', 'no web address'))
  })
})

describe('Repository.listTags()', () => {
  it('reads every page', async () => {
    const server = await serve((request, response) => {
      const second = request.url?.includes('last=b')
      if (!second) response.setHeader('link', '</v2/app/tags/list?n=2&last=b>; rel="next"')
      response.end(JSON.stringify({ name: 'app', tags: second ? ['c'] : ['a', 'b'] }))
    })
    using repository = await repositoryOf(server)
    expect(await repository.listTags()).toEqual(['a', 'b', 'c'])
  })
})

it('digestOf() is what the registry protocol calls a digest', () => {
  expect(digestOf(Buffer.from(''))).toBe(
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
})
