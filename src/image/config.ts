import { isDigest } from '../base/digest.ts'
import type { HealthCheckSettings } from '../base/health.ts'
import type { ImageConfig } from '../base/image.ts'
import { isObject, type JsonObject } from '../base/json.ts'
import { type JsonReader, jsonReader, parseJsonObject } from './json.ts'

/** Bytes. */
export const MAX_CONFIG_SIZE = 8 * 1024 * 1024

/** What made a layer, or changed the configuration only. */
export interface HistoryEntry {
  readonly created?: string
  readonly createdBy?: string
  readonly author?: string
  readonly comment?: string
  readonly emptyLayer?: boolean
}

/** What only `inspect` and `history` show of an image's configuration. */
export interface ImageDetails {
  readonly author: string
  readonly comment: string
  readonly dockerVersion: string
  readonly history: readonly HistoryEntry[]
  /** The `config` member as it came, for what has no meaning here (Healthcheck, OnBuild, Shell). */
  readonly raw: JsonObject
}

/**
 * Reads an image's configuration, OCI's or Docker's.
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md
 * @throws BryoError INVALID_IMAGE
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const json = jsonReader('image configuration')
  const document = parseJsonObject('image configuration', bytes, MAX_CONFIG_SIZE)
  const config = document.config == null ? {} : json.object(document.config, 'config')
  const variant = json.optionalString(document.variant, 'variant')
  const created = json.optionalString(document.created, 'created')
  const stopSignal = json.optionalString(config.StopSignal, 'config.StopSignal')
  return {
    architecture: json.optionalString(document.architecture, 'architecture') ?? '',
    os: json.optionalString(document.os, 'os') ?? '',
    ...(variant ? { variant } : {}),
    ...(created ? { created } : {}),
    ...(stopSignal ? { stopSignal } : {}),
    ...(config.Healthcheck == null ? {} : { healthcheck: readHealthCheck(json, config.Healthcheck) }),
    env: json.strings(config.Env, 'config.Env'),
    entrypoint: command(json, config.Entrypoint, 'config.Entrypoint'),
    cmd: command(json, config.Cmd, 'config.Cmd'),
    workingDir: json.optionalString(config.WorkingDir, 'config.WorkingDir') ?? '',
    user: json.optionalString(config.User, 'config.User') ?? '',
    volumes: keys(json, config.Volumes, 'config.Volumes'),
    exposedPorts: keys(json, config.ExposedPorts, 'config.ExposedPorts'),
    labels: json.stringMap(config.Labels, 'config.Labels'),
    diffIds: readDiffIds(json, document.rootfs),
  }
}

/** @throws BryoError INVALID_IMAGE */
export function parseImageDetails(bytes: Uint8Array): ImageDetails {
  const json = jsonReader('image configuration')
  const document = parseJsonObject('image configuration', bytes, MAX_CONFIG_SIZE)
  const history = document.history == null ? [] : json.array(document.history, 'history')
  return {
    author: json.optionalString(document.author, 'author') ?? '',
    comment: json.optionalString(document.comment, 'comment') ?? '',
    dockerVersion: json.optionalString(document.docker_version, 'docker_version') ?? '',
    history: history.map((entry, index) => readHistory(json, entry, `history[${index}]`)),
    raw: isObject(document.config) ? document.config : {},
  }
}

const NS_PER_MS = 1_000_000

/** Docker's extension of the configuration; its times are nanoseconds. */
function readHealthCheck(json: JsonReader, value: unknown): HealthCheckSettings {
  const check = json.object(value, 'config.Healthcheck')
  const number = (member: string) => {
    const found = check[member]
    if (found == null || found === 0) return undefined
    if (typeof found !== 'number' || !Number.isFinite(found) || found < 0) {
      throw json.fail(`config.Healthcheck.${member}`, 'a number that is not negative')
    }
    return found
  }
  const test = json.strings(check.Test, 'config.Healthcheck.Test')
  const [interval, timeout, startPeriod] = ['Interval', 'Timeout', 'StartPeriod'].map(number)
  const retries = number('Retries')
  return {
    ...(test.length > 0 && { test }),
    ...(interval !== undefined && { intervalMs: interval / NS_PER_MS }),
    ...(timeout !== undefined && { timeoutMs: timeout / NS_PER_MS }),
    ...(startPeriod !== undefined && { startPeriodMs: startPeriod / NS_PER_MS }),
    ...(retries !== undefined && { retries }),
  }
}

/** Old images hold a command as one string. */
function command(json: JsonReader, value: unknown, member: string): readonly string[] {
  return typeof value === 'string' ? [json.string(value, member)] : json.strings(value, member)
}

function keys(json: JsonReader, value: unknown, member: string): readonly string[] {
  if (value == null) return []
  return Object.keys(json.object(value, member)).map((key) => json.string(key, member))
}

function readDiffIds(json: JsonReader, value: unknown): ImageConfig['diffIds'] {
  const rootfs = json.object(value, 'rootfs')
  if (rootfs.type !== 'layers') throw json.fail('rootfs.type', '"layers"')
  return json.strings(rootfs.diff_ids, 'rootfs.diff_ids').map((id) => {
    if (!isDigest(id)) throw json.fail('rootfs.diff_ids', 'sha256: and 64 hex digits each')
    return id
  })
}

function readHistory(json: JsonReader, value: unknown, member: string): HistoryEntry {
  const entry = json.object(value, member)
  const created = json.optionalString(entry.created, `${member}.created`)
  const createdBy = json.optionalString(entry.created_by, `${member}.created_by`)
  const author = json.optionalString(entry.author, `${member}.author`)
  const comment = json.optionalString(entry.comment, `${member}.comment`)
  return {
    ...(created ? { created } : {}),
    ...(createdBy ? { createdBy } : {}),
    ...(author ? { author } : {}),
    ...(comment ? { comment } : {}),
    ...(entry.empty_layer === true ? { emptyLayer: true } : {}),
  }
}
