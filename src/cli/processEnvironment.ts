import type { HostFacts } from '../base/hostFacts.ts'
import { mergeEnv, parseEnv, parseEnvFile } from './parse/environment.ts'
import { parseEach } from './parseEach.ts'
import { readText } from './readText.ts'

export interface EnvironmentFlags {
  readonly env: readonly string[]
  readonly envFile: readonly string[]
  readonly envHost?: boolean
}

const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy']

/** `--http-proxy`: the caller's proxies, in small and in capital letters, as `NAME=value`. */
export function proxyEnvironment(env: HostFacts['env']): readonly string[] {
  return PROXIES.flatMap((name) => [name, name.toUpperCase()]).flatMap((name) =>
    env[name] === undefined ? [] : [`${name}=${env[name]}`],
  )
}

/** What `--env`, `--env-file` and `--env-host` ask for, as `NAME=value`. @throws BryoError USAGE */
export function processEnvironment(
  flags: EnvironmentFlags,
  facts: Pick<HostFacts, 'cwd' | 'env'>,
): readonly string[] {
  const fromHost = flags.envHost ? parseEnv('*', facts.env) : []
  const fromFiles = flags.envFile.flatMap((path) =>
    parseEach('--env-file', path, () => parseEnvFile(readText('--env-file', path, facts.cwd), facts.env)),
  )
  const own = flags.env.flatMap((text) => parseEach('--env', text, () => parseEnv(text, facts.env)))
  return mergeEnv([...fromHost, ...fromFiles, ...own])
}
