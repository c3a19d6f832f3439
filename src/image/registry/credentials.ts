import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BryoError, isErrno } from '../../base/errors.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { parseJsonObject } from '../json.ts'
import { DEFAULT_DOMAIN } from '../reference.ts'

export interface Credentials {
  readonly username: string
  /** Empty where there is an identity token. */
  readonly password: string
  /** Proves the user to the token server in the place of a password. */
  readonly identityToken?: string
}

const MAX_AUTH_FILE = 1024 * 1024
/** The key of the Hub in Docker's files. */
export const HUB_KEY = 'https://index.docker.io/v1/'

export interface AuthFileOptions {
  /** `--authfile`, or REGISTRY_AUTH_FILE: the only one looked at, and it must exist. */
  readonly authFile?: string | undefined
  readonly runtimeDir?: string | undefined
  readonly configHome: string
  /** DOCKER_CONFIG, else `~/.docker`. */
  readonly dockerConfigDir: string
  /** It was named: no other file is looked at. */
  readonly dockerConfigOnly?: boolean
}

/** @see containers-auth.json(5) */
export function authFiles(options: AuthFileOptions): readonly string[] {
  if (options.authFile) return [options.authFile]
  const dockerConfig = join(options.dockerConfigDir, 'config.json')
  if (options.dockerConfigOnly) return [dockerConfig]
  return [
    ...(options.runtimeDir ? [join(options.runtimeDir, 'containers/auth.json')] : []),
    join(options.configHome, 'containers/auth.json'),
    dockerConfig,
  ]
}

/** What one auth file says; members of other programs stay in `document`. */
export interface AuthFile {
  readonly path: string
  readonly document: JsonObject
  readonly auths: JsonObject
  /** Names of credential helpers by registry. */
  readonly credHelpers: Readonly<Record<string, string>>
  /** The credential helper for all other registries. */
  readonly credsStore: string | undefined
}

/**
 * @param required a file that is not there is an error; else it reads as undefined
 * @throws BryoError AUTH_REQUIRED, INVALID_IMAGE for what is no JSON
 */
export function readAuthFile(path: string, required: boolean): AuthFile | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (!required && isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined
    throw new BryoError('AUTH_REQUIRED', `cannot read auth file "${path}"`, { cause: error })
  }
  const empty = bytes.toString('latin1').trim() === ''
  const document = empty ? {} : parseJsonObject(`auth file "${path}"`, bytes, MAX_AUTH_FILE)
  const { auths, credHelpers, credsStore } = document
  const helpers = isObject(credHelpers) ? Object.entries(credHelpers) : []
  return {
    path,
    document,
    auths: isObject(auths) ? auths : {},
    credHelpers: Object.fromEntries(
      helpers.filter((item): item is [string, string] => typeof item[1] === 'string'),
    ),
    credsStore: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
  }
}

/**
 * The login that the file itself holds: of the most specific namespace, else of the host.
 * @param repository `docker.io/library/alpine`
 * @throws BryoError AUTH_REQUIRED for a spoilt one
 */
export function credentialsIn(file: AuthFile, repository: string): Credentials | undefined {
  for (const key of keysFor(repository)) {
    const credentials = Object.hasOwn(file.auths, key) ? decodeEntry(file.auths[key], file.path) : undefined
    if (credentials) return credentials
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

function decodeEntry(entry: unknown, file: string): Credentials | undefined {
  if (!isObject(entry)) return undefined
  const identityToken =
    typeof entry.identitytoken === 'string' && entry.identitytoken !== '' ? entry.identitytoken : undefined
  if (typeof entry.auth !== 'string' || entry.auth === '') {
    return identityToken === undefined ? undefined : { username: '', password: '', identityToken }
  }
  const text = Buffer.from(entry.auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon <= 0) {
    throw new BryoError(
      'AUTH_REQUIRED',
      `cannot read auth file "${file}": a login is not base64 of USER:PASSWORD`,
    )
  }
  // Some tools pad the password with NUL.
  const credentials = { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') }
  return identityToken === undefined ? credentials : { ...credentials, identityToken }
}
