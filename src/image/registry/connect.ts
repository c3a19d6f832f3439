import type { Credentials } from './credentials.ts'
import { openHttpClient } from './http.ts'
import { findLogin, type LoginOptions } from './login.ts'
import { DEFAULT_RETRY, isTransientAtFirst, type RetryPolicy, withRetry } from './retry.ts'
import { openSession, type Session } from './session.ts'
import { loadTrust, type TrustOptions } from './trust.ts'

export interface RegistryOptions {
  /** False allows any certificate, and plain http. */
  readonly tlsVerify: boolean
  readonly auth: LoginOptions
  /** Instead of those that `auth` leads to. */
  readonly credentials?: Credentials | undefined
  readonly certs: Omit<TrustOptions, 'verify'>
  /** For HTTP_PROXY, HTTPS_PROXY, NO_PROXY. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** 60 seconds by default. */
  readonly idleTimeoutMs?: number
  readonly retry?: RetryPolicy
}

export interface ConnectRequest {
  readonly domain: string
  /** What the session's targets are below of: `/v2/NAME/`. */
  readonly root: string
  readonly scopes: readonly string[]
  /** Whose login is looked for: a repository's full name, or the host. */
  readonly login: string
  /** For messages: `pull from`. */
  readonly purpose: string
}

/** Disposing of it ends all that goes on; left open, its idle connections keep the process alive. */
export interface Connection extends Disposable {
  readonly session: Session
  readonly retry: RetryPolicy
}

const DEFAULT_IDLE_TIMEOUT_MS = 60_000

/** @throws BryoError AUTH_REQUIRED, TOOL_MISSING, NETWORK, REGISTRY */
export async function connect(options: RegistryOptions, request: ConnectRequest): Promise<Connection> {
  const closed = new AbortController()
  const policy = options.retry ?? DEFAULT_RETRY
  const retry: RetryPolicy = { ...policy, sleep: (ms) => policy.sleep(ms, closed.signal) }
  const credentials = options.credentials ?? (await findLogin(options.auth, request.login))
  const http = await openHttpClient({
    trust: (host) => loadTrust({ ...options.certs, verify: options.tlsVerify }, host),
    env: options.env,
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
  })
  const { domain, root, scopes, purpose } = request
  const open = () =>
    openSession({ http, domain, root, scopes, credentials, tlsVerify: options.tlsVerify, purpose })
  try {
    const session = await withRetry(retry, open, isTransientAtFirst)
    return {
      session,
      retry,
      [Symbol.dispose]: () => {
        http.close()
        closed.abort()
      },
    }
  } catch (error) {
    http.close()
    throw error
  }
}
