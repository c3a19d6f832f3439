import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { createSlots } from './slots.ts'
import type { Trust } from './trust.ts'

export interface HttpOptions {
  /** Whom to believe for a host; asked once per `host:port`. */
  readonly trust: (host: string) => Trust
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY are read from it, in either case. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** No byte for so long ends a request. */
  readonly idleTimeoutMs: number
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Undecoded; must be read to its end or discarded. Throws {@link ConnectionError} when it is cut. */
  readonly body: AsyncIterable<Uint8Array>
  /** Drops the connection. */
  readonly discard: () => void
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What is sent; opened again for each try. */
export interface HttpBody {
  /** Exactly so many bytes come. */
  readonly length: number
  readonly open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export interface HttpRequest {
  /** GET by default. */
  readonly method?: Method
  readonly headers: Readonly<Record<string, string>>
  readonly body?: HttpBody | undefined
}

export interface HttpClient {
  /** One request, no redirect followed; waits where too many are under way to the host. @throws ConnectionError, BryoError NETWORK for a certificate */
  readonly send: (url: URL, request: HttpRequest) => Promise<HttpResponse>
  /** Drops all connections; later requests fail for good. */
  readonly close: () => void
}

/** The way to a host, or a response on it, broke: trying again may help. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code: string
  readonly host: string

  constructor(host: string, cause: unknown) {
    super(messageOf(cause).split('\n')[0], { cause })
    this.host = host
    this.code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'ETIMEDOUT'
  }
}

/** Errors that a further try meets again. */
const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL_(?:TLSV1_ALERT|SSLV3_ALERT)|HOSTNAME_MISMATCH|ALTNAME/

/** True where the other side does not speak TLS at all. */
export function isNotTls(error: unknown): boolean {
  return error instanceof ConnectionError && /wrong.version.number/i.test(error.message)
}

/** Registries and the boxes before them count connections. */
const CONNECTIONS_PER_HOST = 6

export async function openHttpClient(options: HttpOptions): Promise<HttpClient> {
  const [http, https] = await Promise.all([import('node:http'), import('node:https')])
  const proxyEnv = proxySettings(options.env)
  const plain = new http.Agent({ keepAlive: true, proxyEnv })
  const secure = new Map<string, InstanceType<typeof https.Agent>>()
  const agentFor = (url: URL) => {
    const known = secure.get(url.host)
    if (known) return known
    const { ca, cert, key, verify } = options.trust(url.host)
    const agent = new https.Agent({
      keepAlive: true,
      proxyEnv,
      rejectUnauthorized: verify,
      ...(ca ? { ca: [...ca] } : {}),
      ...(cert && key ? { cert, key } : {}),
    })
    secure.set(url.host, agent)
    return agent
  }
  let open = true
  const slots = createSlots(CONNECTIONS_PER_HOST)
  const send: HttpClient['send'] = async (url, { method = 'GET', headers, body }) => {
    const release = await slots.take(url.host)
    try {
      if (!open) throw new BryoError('NETWORK', `cannot reach registry "${url.host}": the work was cancelled`)
      const request = url.protocol === 'https:' ? https.request : http.request
      const agent = url.protocol === 'https:' ? agentFor(url) : plain
      const hasBody = body !== undefined || method === 'POST' || method === 'PUT' || method === 'PATCH'
      const length = hasBody ? { 'content-length': String(body?.length ?? 0) } : {}
      const outgoing = request(url, { agent, method, headers: { ...headers, ...length } })
      return await exchange(outgoing, url, { body, idleTimeoutMs: options.idleTimeoutMs, release })
    } catch (error) {
      release()
      throw error
    }
  }
  const close = () => {
    open = false
    plain.destroy()
    for (const agent of secure.values()) agent.destroy()
  }
  return { send, close }
}

/** As everywhere, a proxy is never asked for what is on this machine. */
function proxySettings(env: HttpOptions['env']): Record<string, string | undefined> {
  const exceptions = [env.no_proxy ?? env.NO_PROXY, 'localhost', '127.0.0.1', '[::1]', '::1']
  const noProxy = exceptions.filter(Boolean).join(',')
  return {
    http_proxy: env.http_proxy ?? env.HTTP_PROXY,
    https_proxy: env.https_proxy ?? env.HTTPS_PROXY,
    no_proxy: noProxy,
    NO_PROXY: noProxy,
  }
}

interface Exchange {
  readonly body: HttpBody | undefined
  readonly idleTimeoutMs: number
  /** Called when the connection is free again. */
  readonly release: () => void
}

const SHORT_REST = 16 * 1024

/** A registry may hash what it got before it answers. */
const AFTER_BODY = 5

function exchange(outgoing: ClientRequest, url: URL, how: Exchange): Promise<HttpResponse> {
  const { body, idleTimeoutMs, release } = how
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const arm = (ms: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => outgoing.destroy(idleError(ms)), ms)
    }
    let answered = false
    outgoing.on('response', (response) => {
      answered = true
      clearTimeout(timer)
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: readBody(url.host, response, how),
        discard: () => {
          // A short rest is read, so that the connection serves the next request.
          if (Number(response.headers['content-length'] ?? Number.NaN) <= SHORT_REST) response.resume()
          else response.destroy()
          release()
        },
      })
    })
    outgoing.on('error', (error) => {
      answered = true
      clearTimeout(timer)
      reject(translate(url.host, error))
    })
    arm(idleTimeoutMs)
    if (!body) {
      outgoing.end()
      return
    }
    const sent = writeBody(outgoing, body, { arm: () => arm(idleTimeoutMs), ended: () => answered })
    sent.then(
      () => answered || arm(idleTimeoutMs * AFTER_BODY),
      (error: unknown) => {
        // What is to be sent cannot be read: nobody's connection is to blame.
        reject(error)
        outgoing.destroy()
      },
    )
  })
}

async function writeBody(
  outgoing: ClientRequest,
  body: HttpBody,
  watch: { readonly arm: () => void; readonly ended: () => boolean },
): Promise<void> {
  for await (const chunk of body.open()) {
    // An answer before the end of the body is a refusal.
    if (watch.ended()) return
    watch.arm()
    if (outgoing.write(chunk)) continue
    await new Promise<void>((resolve) => {
      const go = () => {
        for (const event of ['drain', 'close', 'error', 'response']) outgoing.off(event, go)
        resolve()
      }
      for (const event of ['drain', 'close', 'error', 'response']) outgoing.on(event, go)
    })
  }
  if (!watch.ended()) outgoing.end()
}

/** The clock runs only while this side waits: a slow disk is no idle registry. */
async function* readBody(
  host: string,
  response: IncomingMessage,
  { idleTimeoutMs, release }: Exchange,
): AsyncGenerator<Uint8Array> {
  let timer: NodeJS.Timeout | undefined
  const arm = () => {
    timer = setTimeout(() => response.destroy(idleError(idleTimeoutMs)), idleTimeoutMs)
  }
  try {
    arm()
    for await (const chunk of response) {
      clearTimeout(timer)
      if (chunk instanceof Uint8Array) yield chunk
      arm()
    }
  } catch (error) {
    throw translate(host, error)
  } finally {
    clearTimeout(timer)
    response.destroy()
    release()
  }
  if (!response.complete) throw new ConnectionError(host, new Error('the response was cut'))
}

function idleError(idleTimeoutMs: number): Error {
  return new Error(`no data for ${Math.round(idleTimeoutMs / 1000)} seconds`)
}

function translate(host: string, error: unknown): unknown {
  if (error instanceof BryoError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (CERTIFICATE.test(code)) {
    return new BryoError('NETWORK', `cannot trust registry "${host}": ${messageOf(error).split(';')[0]}`, {
      hint: `put its CA into ~/.config/containers/certs.d/${host}/ca.crt, or use --tls-verify=false`,
      cause: error,
    })
  }
  if (isErrno(error, 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_CHAR')) return error
  return new ConnectionError(host, error)
}
