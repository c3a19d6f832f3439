import { BryoError } from '../../base/errors.ts'
import { DEFAULT_DOMAIN, parseReference } from '../../image/reference.ts'
import { eraseFromHelper, listHelper, storeInHelper } from '../../image/registry/credentialHelper.ts'
import {
  type AuthFile,
  authFiles,
  type Credentials,
  keysFor,
  readAuthFile,
} from '../../image/registry/credentials.ts'
import { pushEndpoint } from '../../image/registry/endpoints.ts'
import { findLogin, helperFor, serversOf } from '../../image/registry/login.ts'
import type { Engine } from '../engine.ts'
import { authFileToWrite, editAuthFile } from '../registry/authFile.ts'
import { readRegistriesConfig } from '../registry/registriesConf.ts'
import { authFileOptions, type RegistrySettings, registryOptions } from './registryOptions.ts'

type Facts = Pick<Engine, 'facts'>

/** What a user writes for a registry, or for a namespace of one: `registry.example.org/team`. */
export interface LoginPlace {
  /** `docker.io`, `registry.example.org/team`: the key of the login. */
  readonly key: string
  readonly domain: string
}

/** @throws BryoError USAGE */
export function parseLoginPlace(text: string): LoginPlace {
  const bare = text.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '')
  const [host = '', ...path] = bare.split('/')
  const domain = ['index.docker.io', 'registry-1.docker.io'].includes(host) ? DEFAULT_DOMAIN : host
  const key = [domain, ...path].join('/')
  try {
    parseReference(
      `${domain.includes('.') || domain.includes(':') || domain === 'localhost' ? domain : `${domain}:443`}/${path.join('/') || 'x'}`,
    )
  } catch (cause) {
    throw new BryoError(
      'USAGE',
      `cannot read registry "${text.slice(0, 100)}", expected HOST[:PORT][/NAMESPACE]`,
      {
        cause,
      },
    )
  }
  return { key, domain }
}

export interface LoginRequest extends RegistrySettings {
  readonly place: LoginPlace
  readonly credentials: Credentials
}

/**
 * Asks the registry whether it takes the login, and keeps it: in the helper that the auth file names for the registry, else in the file.
 * @returns where it is kept
 * @throws BryoError AUTH_REQUIRED, NETWORK, REGISTRY, TOOL_MISSING; then nothing is kept
 */
export async function login(
  engine: Facts,
  { place, credentials, ...settings }: LoginRequest,
): Promise<string> {
  await verifyLogin(engine, { place, credentials, ...settings })
  const path = authFileToWrite(authFileOptions(engine.facts, settings.authfile))
  const file = readAuthFile(path, false)
  const helper = file && (helperFor(file, place.domain) ?? file.credsStore)
  if (helper !== undefined) {
    const [server] = serversOf(place.domain)
    await storeInHelper({ name: helper, env: engine.facts.env }, server, credentials)
    return `credential helper ${helper}`
  }
  editAuthFile(path, keyInFile(path, place), credentials)
  return path
}

/** Asks the registry whether it takes a login; the saved one by default. */
export async function verifyLogin(
  engine: Facts,
  {
    place,
    credentials,
    ...settings
  }: Omit<LoginRequest, 'credentials'> & { readonly credentials?: Credentials },
): Promise<void> {
  const config = await readRegistriesConfig(engine.facts)
  const { insecure } = pushEndpoint(config, parseReference(`${place.domain}/x`))
  const { checkLogin } = await import('../../image/registry/ping.ts')
  const options = registryOptions(engine.facts, settings, { insecure, config })
  await checkLogin(place.domain, { ...options, credentials })
}

/** The saved login; undefined where there is none. */
export async function savedLogin(
  engine: Facts,
  place: LoginPlace,
  settings: RegistrySettings,
): Promise<Credentials | undefined> {
  const config = await readRegistriesConfig(engine.facts)
  return findLogin(registryOptions(engine.facts, settings, { insecure: false, config }).auth, place.key)
}

/**
 * Forgets the login for a registry in every file and helper where it is kept.
 * @returns false where there was none
 */
export async function logout(
  engine: Facts,
  place: LoginPlace,
  authfile: string | undefined,
): Promise<boolean> {
  let found = false
  for (const file of filesOf(engine, authfile)) {
    const keys = place.key === place.domain ? keysFor(place.domain) : [place.key]
    for (const key of keys) {
      if (Object.hasOwn(file.auths, key)) found = editAuthFile(file.path, key, undefined) || found
    }
    for (const name of new Set([helperFor(file, place.domain), file.credsStore])) {
      if (name === undefined) continue
      for (const server of serversOf(place.domain)) {
        found = (await eraseFromHelper({ name, env: engine.facts.env }, server)) || found
      }
    }
  }
  return found
}

/** Forgets every login. */
export async function logoutAll(engine: Facts, authfile: string | undefined): Promise<void> {
  for (const file of filesOf(engine, authfile)) {
    for (const key of Object.keys(file.auths)) editAuthFile(file.path, key, undefined)
    for (const name of new Set([...Object.values(file.credHelpers), file.credsStore])) {
      if (name === undefined) continue
      const options = { name, env: engine.facts.env }
      for (const server of Object.keys(await listHelper(options))) await eraseFromHelper(options, server)
    }
  }
}

function filesOf(engine: Facts, authfile: string | undefined): readonly AuthFile[] {
  const options = authFileOptions(engine.facts, authfile)
  return authFiles(options).flatMap((path) => readAuthFile(path, path === options.authFile) ?? [])
}

/** Docker's own file has another key for the Hub. */
function keyInFile(path: string, place: LoginPlace): string {
  return place.key === DEFAULT_DOMAIN && path.endsWith('config.json') ? serversOf(place.domain)[0] : place.key
}
