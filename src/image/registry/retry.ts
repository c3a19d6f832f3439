import { BryoError } from '../../base/errors.ts'
import { ConnectionError, isNotTls } from './http.ts'

export interface RetryPolicy {
  /** Tries in all. */
  readonly attempts: number
  /** Doubles with each try. */
  readonly baseDelayMs: number
  /** Bounds the delay, Retry-After included. */
  readonly maxDelayMs: number
  /** Ends early where the signal comes. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 4,
  baseDelayMs: 500,
  maxDelayMs: 60_000,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end)
      if (signal?.aborted) end()
    }),
}

/** An answer that may be better later: 408, 429 or 5xx. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

export function isBusy(status: number): boolean {
  return status === 408 || status === 429 || status === 500 || (status > 501 && status < 600)
}

/**
 * Retry-After in milliseconds: a number of seconds or a date.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

/** @param attempt 1 after the first failure */
export function delayBefore(policy: RetryPolicy, attempt: number, error: unknown): number {
  const asked = error instanceof BusyError ? error.retryAfterMs : undefined
  return Math.min(policy.maxDelayMs, asked ?? policy.baseDelayMs * 2 ** (attempt - 1))
}

/** Whether a further try may do better. */
export function isTransient(error: unknown): boolean {
  return error instanceof BusyError || (error instanceof ConnectionError && !isNotTls(error))
}

/** A first contact: a name that does not exist and a closed port are said at once. */
export function isTransientAtFirst(error: unknown): boolean {
  return isTransient(error) && !(error instanceof ConnectionError && UNREACHABLE.includes(error.code))
}

const UNREACHABLE = ['ENOTFOUND', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']

/** What to tell the user when no further try is made. */
export function finalError(error: unknown): unknown {
  if (error instanceof BusyError) {
    return new BryoError('REGISTRY', error.message, { hint: 'try again later', cause: error })
  }
  if (!(error instanceof ConnectionError)) return error
  const hint = UNREACHABLE.includes(error.code)
    ? 'check the name of the registry and the network'
    : 'try again: what has come so far is kept'
  if (isNotTls(error)) {
    return new BryoError(
      'NETWORK',
      `cannot reach registry "${error.host}": it speaks no TLS, expected https`,
      {
        hint: 'where the registry speaks plain http: --tls-verify=false',
        cause: error,
      },
    )
  }
  return new BryoError('NETWORK', `cannot reach registry "${error.host}": ${error.message}`, {
    hint,
    cause: error,
  })
}

/** Runs `work` until it succeeds, fails for good, or the tries are used up; then {@link finalError} is thrown. */
export async function withRetry<T>(
  policy: RetryPolicy,
  work: () => Promise<T>,
  mayRetry: (error: unknown) => boolean = isTransient,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!mayRetry(error) || attempt >= policy.attempts) throw finalError(error)
      await policy.sleep(delayBefore(policy, attempt, error))
    }
  }
}
