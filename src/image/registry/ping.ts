import { BryoError } from '../../base/errors.ts'
import { connect, type RegistryOptions } from './connect.ts'
import { responseError } from './response.ts'
import { isTransientAtFirst, withRetry } from './retry.ts'

/**
 * Asks a registry whether it takes the login of `options`.
 * @param domain `registry.example.org:5000`
 * @throws BryoError AUTH_REQUIRED where it does not; NETWORK, REGISTRY
 */
export async function checkLogin(domain: string, options: RegistryOptions): Promise<void> {
  using connection = await connect(options, {
    domain,
    root: '/v2/',
    scopes: [],
    login: domain,
    purpose: 'log in to',
  })
  const { session, retry } = connection
  const response = await withRetry(retry, () => session.get('', {}), isTransientAtFirst)
  if (response.status === 401 || response.status === 403) {
    response.discard()
    throw new BryoError(
      'AUTH_REQUIRED',
      `cannot log in to "${domain}": invalid username/password (${session.base.host} answered ${response.status})`,
    )
  }
  if (response.status !== 200) {
    throw await responseError(`the version of "${domain}"`, session.base.host, response)
  }
  response.discard()
}
