import { createSign, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { type Certificates, derOf } from './certificates.ts'

export interface TokenRequestSeen {
  readonly method: string
  readonly scopes: readonly string[]
  readonly authorization: string | undefined
  readonly form: URLSearchParams
}

/** Gives tokens that a registry takes, for what a user may do. */
export interface TokenServer {
  readonly realm: string
  readonly requests: readonly TokenRequestSeen[]
  readonly close: () => Promise<void>
}

export interface TokenServerOptions {
  readonly certificates: Certificates
  readonly user: string
  readonly password: string
  readonly identityToken: string
}

export const SERVICE = 'registry of the tests'
export const ISSUER = 'tests'

/** Anybody may pull; only the user may push. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { certificates } = options
  const basic = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`
  const requests: TokenRequestSeen[] = []
  const pair = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) }
  const server = createServer(pair, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const form = new URLSearchParams(body)
    const url = new URL(request.url ?? '', 'https://x')
    const scopes = [...url.searchParams.getAll('scope'), ...form.getAll('scope')].flatMap((text) =>
      text.split(' '),
    )
    const { authorization } = request.headers
    requests.push({ method: request.method ?? '', scopes, authorization, form })
    const known = authorization === basic || form.get('refresh_token') === options.identityToken
    if ((authorization !== undefined || form.has('refresh_token')) && !known) {
      response.writeHead(401).end('{}')
      return
    }
    const token = sign(certificates, known, scopes)
    response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }))
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
  return {
    realm: `https://127.0.0.1:${port}/token`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** @see https://distribution.github.io/distribution/spec/auth/jwt/ */
function sign(certificates: Certificates, known: boolean, scopes: readonly string[]): string {
  const access = scopes.map((scope) => {
    const [type, name, actions = ''] = scope.split(':')
    return { type, name, actions: actions.split(',').filter((action) => known || action === 'pull') }
  })
  const now = Math.floor(Date.now() / 1000)
  const header = { typ: 'JWT', alg: 'RS256', x5c: [derOf(certificates.cert)] }
  const times = { exp: now + 300, nbf: now - 60, iat: now }
  const claims = { iss: ISSUER, sub: known ? 'ana' : '', aud: SERVICE, jti: randomUUID(), access, ...times }
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = createSign('RSA-SHA256').update(text).sign(readFileSync(certificates.key))
  return `${text}.${signature.toString('base64url')}`
}
