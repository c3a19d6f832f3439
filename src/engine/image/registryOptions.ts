import { homedir } from 'node:os'
import { join } from 'node:path'
import { BryoError } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import type { RegistryOptions } from '../../image/registry/connect.ts'
import type { AuthFileOptions, Credentials } from '../../image/registry/credentials.ts'
import type { RegistriesConfig } from '../../image/registry/endpoints.ts'
import { DEFAULT_RETRY, type RetryPolicy } from '../../image/registry/retry.ts'
import { certsDirectories } from '../../image/registry/trust.ts'

export interface RegistrySettings {
  /** Undefined leaves it to registries.conf. */
  readonly tlsVerify?: boolean | undefined
  /** `--cert-dir`. */
  readonly certDir?: string | undefined
  /** `--authfile`. */
  readonly authfile?: string | undefined
  /** `--creds`: `USER[:PASSWORD]`. */
  readonly creds?: string | undefined
  /** Further tries after the first; 3 by default. */
  readonly retry?: number | undefined
  /** Before the second try; doubles with each. */
  readonly retryDelayMs?: number | undefined
}

/** What talking to a registry needs of this host and user. */
export function registryOptions(
  { env }: HostFacts,
  settings: RegistrySettings,
  place: { readonly insecure: boolean; readonly config: RegistriesConfig },
): RegistryOptions {
  return {
    tlsVerify: settings.tlsVerify ?? !place.insecure,
    auth: { ...authFileOptions({ env }, settings.authfile), env, helpers: place.config.credentialHelpers },
    credentials: settings.creds === undefined ? undefined : parseCreds(settings.creds),
    certs: {
      certDir: settings.certDir,
      certsDirs: certsDirectories(configHomeOf(env)),
      sslCertFile: env.SSL_CERT_FILE || undefined,
    },
    env,
    retry: retryPolicy(settings),
  }
}

/** Where logins are kept. @param authfile `--authfile` */
export function authFileOptions(
  { env }: Pick<HostFacts, 'env'>,
  authfile: string | undefined,
): AuthFileOptions {
  return {
    authFile: authfile ?? (env.REGISTRY_AUTH_FILE || undefined),
    runtimeDir: env.XDG_RUNTIME_DIR,
    configHome: configHomeOf(env),
    dockerConfigDir: env.DOCKER_CONFIG || join(homeOf(env), '.docker'),
    dockerConfigOnly: Boolean(env.DOCKER_CONFIG),
  }
}

/** @throws BryoError USAGE */
function parseCreds(text: string): Credentials {
  const colon = text.indexOf(':')
  const username = colon === -1 ? text : text.slice(0, colon)
  if (username === '' || colon === -1) {
    throw new BryoError('USAGE', 'cannot read --creds, expected USERNAME:PASSWORD')
  }
  return { username, password: text.slice(colon + 1) }
}

function retryPolicy({ retry, retryDelayMs }: RegistrySettings): RetryPolicy {
  return {
    ...DEFAULT_RETRY,
    ...(retry === undefined ? {} : { attempts: retry + 1 }),
    ...(retryDelayMs === undefined ? {} : { baseDelayMs: retryDelayMs }),
  }
}

function homeOf(env: HostFacts['env']): string {
  return env.HOME || homedir()
}

function configHomeOf(env: HostFacts['env']): string {
  return env.XDG_CONFIG_HOME || join(homeOf(env), '.config')
}
