import { readdirSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile, textRecord } from '../json.ts'
import { acquireLock, type Lock, unlinkIfThere } from '../lock.ts'
import { ensureDirectory } from '../makeDirectory.ts'
import { randomHex } from '../randomHex.ts'
import type { Store } from '../store.ts'

export interface SecretInfo {
  /** 25 hex digits. */
  readonly id: string
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  /** RFC 3339; when its content was replaced last. */
  readonly updated: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Secret extends SecretInfo {
  readonly data: Buffer
}

export interface SecretRequest {
  readonly name: string
  readonly data: Uint8Array
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly created: string
  /** One of the name gives way to it. */
  readonly replace: boolean
}

const NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9])?$/
const MAX_BYTES = 512_000
const ID_BYTES = 13
const ID_DIGITS = 25
const SUFFIX = '.json'

/**
 * Stores a secret: a file 0600 in a directory 0700, written as a whole or not at all. It is not encrypted.
 * @throws BryoError USAGE for the name or the size, NAME_IN_USE, NO_SPACE
 */
export function putSecret(store: Store, request: SecretRequest): SecretInfo {
  const { name, data, labels, created, replace } = request
  checkName(name)
  if (data.byteLength === 0 || data.byteLength >= MAX_BYTES) {
    throw new BryoError('USAGE', `secret data must be larger than 0 and less than ${MAX_BYTES} bytes`)
  }
  ensureDirectory(directoryOf(store), 0o700)
  using _lock = lockSecrets(store)
  const existing = readSecret(store, name)
  if (existing && !replace) {
    throw new BryoError('NAME_IN_USE', `${name}: secret name in use`, {
      hint: 'take another name, or use --replace',
    })
  }
  const id = randomHex(ID_BYTES).slice(0, ID_DIGITS)
  const info = { id, name, created, updated: created, labels }
  const record = { ...info, data: Buffer.from(data).toString('base64') }
  writeJsonAtomic(pathOf(store, name), record, { durable: true })
  return info
}

/** All secrets by name, without what they say. */
export function readSecretInfos(store: Store): readonly SecretInfo[] {
  return listNames(store).flatMap((name) => {
    const secret = readSecret(store, name)
    return secret ? [infoOf(secret)] : []
  })
}

/** A secret by its whole name. */
function readSecret(store: Store, name: string): Secret | undefined {
  if (!NAME.test(name)) return undefined
  const path = pathOf(store, name)
  const content = readJsonFile(path)
  return content === undefined ? undefined : parseSecret(fieldsOf(content, path), name, path)
}

const ID_PREFIX = /^[0-9a-f]{1,25}$/

/** By name, by id, or by the first digits of its id. @throws BryoError AMBIGUOUS */
export function findSecret(store: Store, nameOrId: string): Secret | undefined {
  const named = readSecret(store, nameOrId)
  if (named || !ID_PREFIX.test(nameOrId)) return named
  const fitting = readSecretInfos(store).filter(({ id }) => id.startsWith(nameOrId))
  if (fitting.length > 1) {
    throw new BryoError(
      'AMBIGUOUS',
      `cannot find secret "${nameOrId}": ${fitting.length} ids start with it, expected one`,
    )
  }
  return fitting[0] && readSecret(store, fitting[0].name)
}

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function requireSecret(store: Store, nameOrId: string): Secret {
  const secret = findSecret(store, nameOrId)
  if (secret) return secret
  throw new BryoError('NOT_FOUND', `no secret with name or id "${nameOrId.slice(0, 300)}": no such secret`)
}

/** Gives its id. @throws BryoError NOT_FOUND, AMBIGUOUS */
export function removeSecret(store: Store, nameOrId: string): string {
  const { id, name } = requireSecret(store, nameOrId)
  using _lock = lockSecrets(store)
  unlinkIfThere(pathOf(store, name))
  return id
}

function checkName(name: string): void {
  if (NAME.test(name)) return
  throw new BryoError(
    'USAGE',
    `invalid secret name "${name.slice(0, 300)}": only [a-zA-Z0-9-_.] characters are allowed, at most 253, and the first and last must be [a-zA-Z0-9]`,
  )
}

function infoOf({ id, name, created, updated, labels }: Secret): SecretInfo {
  return { id, name, created, updated, labels }
}

function directoryOf(store: Store): HostPath {
  return hostPath(store.dataRoot, 'secrets')
}

function pathOf(store: Store, name: string): HostPath {
  return hostPath(directoryOf(store), `${name}${SUFFIX}`)
}

function lockSecrets(store: Store): Lock {
  return acquireLock(hostPath(store.dataRoot, 'secrets.lock'), { mode: 'exclusive', wait: true })
}

/** The directory is made with the first secret. */
function listNames(store: Store): readonly string[] {
  const files = unlessErrno(() => readdirSync(directoryOf(store)), 'ENOENT') ?? []
  return files
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort()
}

function parseSecret(fields: Fields, name: string, path: string): Secret {
  return {
    id: fields.text('id'),
    name,
    created: fields.text('created'),
    updated: fields.text('updated'),
    labels: textRecord(fields.json('labels'), path),
    data: Buffer.from(fields.text('data'), 'base64'),
  }
}
