import { DEFAULT_DOMAIN } from '../reference.ts'
import { getFromHelper } from './credentialHelper.ts'
import {
  type AuthFile,
  type AuthFileOptions,
  authFiles,
  type Credentials,
  credentialsIn,
  HUB_KEY,
  readAuthFile,
} from './credentials.ts'

export interface LoginOptions extends AuthFileOptions {
  /** Of credential helpers; empty by default. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Credential helpers that are asked for every registry, after the files. */
  readonly helpers?: readonly string[]
}

/**
 * The login for a repository, or for a registry as a whole: of each file in turn the helper for the host, what the file holds, its
 * general helper.
 * @param repository `docker.io/library/alpine`, or the host alone
 * @throws BryoError AUTH_REQUIRED, TOOL_MISSING
 */
export async function findLogin(options: LoginOptions, repository: string): Promise<Credentials | undefined> {
  const servers = serversOf(repository)
  const ask = async (name: string) => {
    for (const server of servers) {
      const found = await getFromHelper({ name, env: options.env ?? {} }, server)
      if (found) return found
    }
    return undefined
  }
  for (const path of authFiles(options)) {
    const file = readAuthFile(path, path === options.authFile)
    if (!file) continue
    const helper = helperFor(file, repository)
    const found = helper === undefined ? credentialsIn(file, repository) : await ask(helper)
    if (found) return found
    if (helper === undefined && file.credsStore !== undefined) {
      const stored = await ask(file.credsStore)
      if (stored) return stored
    }
  }
  for (const name of options.helpers ?? []) {
    const found = await ask(name)
    if (found) return found
  }
  return undefined
}

/** The helper that the file names for this very registry. */
export function helperFor(file: AuthFile, repository: string): string | undefined {
  const found = serversOf(repository).find((server) => Object.hasOwn(file.credHelpers, server))
  return found === undefined ? undefined : file.credHelpers[found]
}

/** The names of a registry for helpers and for the keys of files, the one to write first. */
export function serversOf(repository: string): readonly [string, ...string[]] {
  const host = repository.split('/')[0] ?? ''
  return host === DEFAULT_DOMAIN ? [HUB_KEY, DEFAULT_DOMAIN, 'index.docker.io'] : [host]
}
