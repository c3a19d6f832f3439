import { BryoError } from '../../base/errors.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http.ts'

const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** The same request again, with its body. */
const KEEPS_METHOD: ReadonlySet<number> = new Set([307, 308])

export interface Followed {
  readonly response: HttpResponse
  /** False after a redirect to another host: its challenges are not answered. */
  readonly fromStart: boolean
}

/**
 * Follows redirects. The authorisation stays with the host that it is for (CVE-2020-15157), and https is never left
 * for http.
 */
export async function follow(http: HttpClient, start: URL, request: HttpRequest): Promise<Followed> {
  const { method = 'GET' } = request
  const { authorization: _, ...others } = request.headers
  let url = start
  for (let redirects = 0; ; redirects++) {
    const fromStart = url.origin === start.origin
    const response = await http.send(url, fromStart ? request : { ...request, headers: others })
    if (!REDIRECTS.has(response.status)) return { response, fromStart }
    response.discard()
    if (method !== 'GET' && method !== 'HEAD' && !KEEPS_METHOD.has(response.status)) {
      throw new BryoError(
        'REGISTRY',
        `cannot follow registry "${start.host}": it answers an upload with a redirect (${response.status})`,
      )
    }
    if (redirects === MAX_REDIRECTS) {
      throw new BryoError(
        'REGISTRY',
        `cannot follow registry "${start.host}": more than ${MAX_REDIRECTS} redirects`,
      )
    }
    url = webAddress(start, url, response.headers.location)
  }
}

/**
 * The address that a registry names by Location, for a redirect or an upload.
 * @param start for messages
 * @throws BryoError REGISTRY for what is no web address, or leaves https for http
 */
export function webAddress(start: URL, from: URL, location: string | undefined): URL {
  const target =
    location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (!target || !['https:', 'http:'].includes(target.protocol)) {
    throw new BryoError('REGISTRY', `cannot follow registry "${start.host}": it redirects to no web address`)
  }
  if (target.protocol === 'http:' && from.protocol === 'https:') {
    throw new BryoError('REGISTRY', `cannot follow registry "${start.host}": it redirects from https to http`)
  }
  target.username = ''
  target.password = ''
  return target
}
