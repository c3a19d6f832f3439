import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { RegistryOptions } from '../../../src/image/registry/connect.ts'

export interface TestServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** Every request so far, oldest first. */
  readonly requests: readonly {
    readonly path: string
    readonly authorization: string | undefined
    readonly range: string | undefined
  }[]
  readonly stop: () => Promise<void>
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** An HTTP server on loopback that answers by `handler`; `/v2/` itself is answered with 200. */
export async function startServer(handler: Handler, address = '127.0.0.1'): Promise<TestServer> {
  const requests: TestServer['requests'][number][] = []
  const server: Server = createServer((request, response) => {
    const { authorization, range } = request.headers
    requests.push({ path: request.url ?? '', authorization, range })
    if (request.url === '/v2/') response.end('{}')
    else handler(request, response)
  })
  server.listen(0, address)
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the test server has no port')
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { host: `${address}:${bound.port}`, requests, stop }
}

/** Options without the surroundings of the machine; waits are counted instead of waited. */
export function testOptions(delays: number[] = [], more: Partial<RegistryOptions> = {}): RegistryOptions {
  const sleep = async (ms: number) => {
    delays.push(ms)
  }
  return {
    tlsVerify: false,
    auth: { configHome: '/nonexistent', dockerConfigDir: '/nonexistent' },
    certs: { certsDirs: [] },
    env: {},
    retry: { attempts: 4, baseDelayMs: 100, maxDelayMs: 10_000, sleep },
    ...more,
  }
}
