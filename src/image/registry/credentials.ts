import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BryoError, isErrno } from '../../base/errors.ts'
import { isObject, parseJsonObject } from '../json.ts'
import { DEFAULT_DOMAIN } from '../reference.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

const MAX_AUTH_FILE = 1024 * 1024
const HUB_KEY = 'https://index.docker.io/v1/'

export interface AuthFileOptions {
  /** `--authfile`, or REGISTRY_AUTH_FILE: the only one looked at, and it must exist. */
  readonly authFile?: string | undefined
  readonly runtimeDir?: string | undefined
  readonly configHome: string
  /** DOCKER_CONFIG, else `~/.docker`. */
  readonly dockerConfigDir: string
}

/** @see containers-auth.json(5) */
export function authFiles(options: AuthFileOptions): readonly string[] {
  if (options.authFile) return [options.authFile]
  return [
    ...(options.runtimeDir ? [join(options.runtimeDir, 'containers/auth.json')] : []),
    join(options.configHome, 'containers/auth.json'),
    join(options.dockerConfigDir, 'config.json'),
  ]
}

/**
 * The login for a repository from the first file that has one: the most specific namespace first, then the host.
 * @param repository `docker.io/library/alpine`
 */
export function findCredentials(options: AuthFileOptions, repository: string): Credentials | undefined {
  for (const file of authFiles(options)) {
    const auths = readAuths(file, file === options.authFile)
    for (const key of keysFor(repository)) {
      const credentials = decodeEntry(auths?.[key], file)
      if (credentials) return credentials
    }
  }
  return undefined
}

/** The keys under which a login for the repository may be kept, the most specific first. */
export function keysFor(repository: string): readonly string[] {
  const parts = repository.split('/')
  const namespaces = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  const host = parts[0] ?? ''
  const legacy = [`https://${host}`, `https://${host}/v1/`, `https://${host}/v2/`]
  return host === DEFAULT_DOMAIN
    ? [...namespaces, HUB_KEY, 'index.docker.io', ...legacy]
    : [...namespaces, ...legacy]
}

function readAuths(file: string, required: boolean): Readonly<Record<string, unknown>> | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    if (!required && isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined
    throw new BryoError('AUTH_REQUIRED', `cannot read auth file "${file}"`, { cause: error })
  }
  const auths = parseJsonObject(`auth file "${file}"`, bytes, MAX_AUTH_FILE).auths
  return isObject(auths) ? auths : undefined
}

function decodeEntry(entry: unknown, file: string): Credentials | undefined {
  if (!isObject(entry) || typeof entry.auth !== 'string' || entry.auth === '') return undefined
  const text = Buffer.from(entry.auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon <= 0) {
    throw new BryoError(
      'AUTH_REQUIRED',
      `cannot read auth file "${file}": a login is not base64 of USER:PASSWORD`,
    )
  }
  // Some tools pad the password with NUL.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') }
}
