import { homedir } from 'node:os'
import { join } from 'node:path'
import type { HostFacts } from '../../base/hostFacts.ts'
import type { RegistryOptions } from '../../image/registry/repository.ts'
import { certsDirectories } from '../../image/registry/trust.ts'

export interface RegistrySettings {
  readonly tlsVerify?: boolean | undefined
  /** `--cert-dir`. */
  readonly certDir?: string | undefined
  /** `--authfile`. */
  readonly authfile?: string | undefined
}

/** What talking to a registry needs of this host and user. */
export function registryOptions({ env }: HostFacts, settings: RegistrySettings): RegistryOptions {
  const home = env.HOME || homedir()
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config')
  return {
    tlsVerify: settings.tlsVerify ?? true,
    auth: {
      authFile: settings.authfile ?? (env.REGISTRY_AUTH_FILE || undefined),
      runtimeDir: env.XDG_RUNTIME_DIR,
      configHome,
      dockerConfigDir: env.DOCKER_CONFIG || join(home, '.docker'),
    },
    certs: {
      certDir: settings.certDir,
      certsDirs: certsDirectories(configHome),
      sslCertFile: env.SSL_CERT_FILE || undefined,
    },
    env,
  }
}
