import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { matchesLabel } from '../../base/labels.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { Engine } from '../engine.ts'
import { findAmong } from '../image/find.ts'
import { matchesReference } from '../image/referencePattern.ts'
import { readHealth } from './healthStatus.ts'
import { imageConfigs, isUp, type ListedContainer } from './list.ts'
import { networkNames } from './networkNames.ts'
import { statusWord } from './status.ts'

/** Keys that {@link containerFilter} knows. */
export const CONTAINER_FILTERS = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'label',
  'name',
  'network',
  'pod',
  'publish',
  'restart-policy',
  'should-start-on-boot',
  'since',
  'status',
  'until',
  'volume',
] as const

type Fits = (one: ListedContainer) => boolean

/**
 * What `--filter` leaves: a container must fit every key, and of a key at least one value; of `label` every one.
 * Values of `until` are milliseconds since 1970.
 * @throws BryoError USAGE for a value that no container can have, NOT_FOUND for `before` and `since`
 */
export function containerFilter(engine: Engine, filters: ReadonlyMap<string, readonly string[]>): Fits {
  const fits = [...filters].map(([key, values]): Fits => {
    const each = values.map((value) => fitsOne(engine, key, value))
    return key === 'label'
      ? (one) => each.every((test) => test(one))
      : (one) => each.some((test) => test(one))
  })
  return (one) => fits.every((test) => test(one))
}

const STATES = [
  'created',
  'initialized',
  'running',
  'paused',
  'stopping',
  'restarting',
  'exited',
  'stopped',
  'unknown',
] as const
const RESTART_POLICIES = ['no', 'on-failure', 'always', 'unless-stopped'] as const
const HEALTH_STATES = ['starting', 'healthy', 'unhealthy', 'none'] as const

function fitsOne(engine: Engine, key: string, value: string): Fits {
  switch (key) {
    case 'ancestor':
      return descendsFrom(engine, value)
    case 'before':
    case 'since': {
      const { created } = requireContainer(engine.store, value)
      return ({ record }) => (key === 'before' ? record.created < created : record.created > created)
    }
    case 'until': {
      const time = Number(value)
      return ({ record }) => Date.parse(record.created) < time
    }
    case 'exited': {
      const code = exitCode(value)
      return ({ state }) => state.status === 'exited' && state.exitCode === code
    }
    case 'health': {
      const wanted = oneOf(HEALTH_STATES, value, `invalid health status "${value}"`)
      return ({ record }) => (readHealth(engine.store, record.id)?.status ?? 'none') === wanted
    }
    case 'id':
      return idFits(value)
    case 'name': {
      const pattern = regularExpression(key, value)
      return ({ record }) => pattern.test(record.name)
    }
    case 'label':
      return (one) => matchesLabel(one.labels(), value)
    case 'restart-policy': {
      const wanted = oneOf(RESTART_POLICIES, value, `${value} is not a valid restart policy`)
      return ({ request }) => (request.restart?.name ?? 'no') === wanted
    }
    case 'should-start-on-boot': {
      const wanted = oneOf(['true', 'false'] as const, value, `"${value}" is neither true nor false`)
      return (one) => startsOnBoot(one) === (wanted === 'true')
    }
    case 'status':
      return statusFits(value)
    default:
      return fitsConnection(key, value)
  }
}

/** Who was not running before the boot because its user had stopped it stays so, where the policy says that. */
function startsOnBoot({ request, state }: ListedContainer): boolean {
  const policy = request.restart?.name
  return (
    policy === 'always' || (policy === 'unless-stopped' && !('stoppedByUser' in state && state.stoppedByUser))
  )
}

/** What a container is connected with: networks, ports, volumes. */
function fitsConnection(key: string, value: string): Fits {
  switch (key) {
    case 'network':
      return ({ request }) => networkNames(request).includes(value)
    case 'volume':
      return volumeFits(value)
    case 'publish':
      return ({ ports }) => ports.some((port) => `${port.hostPort}/${port.protocol}` === withProtocol(value))
    case 'expose':
      return ({ ports, request }) =>
        ports.some((port) => `${port.containerPort}/${port.protocol}` === withProtocol(value)) ||
        request.expose.some((port) => withProtocol(port) === withProtocol(value))
    case 'pod':
      // There are no pods that it could be in.
      return () => false
    default:
      throw new BryoError(
        'USAGE',
        `${key} is an invalid filter, expected one of ${CONTAINER_FILTERS.join(', ')}`,
      )
  }
}

function withProtocol(port: string): string {
  return port.includes('/') ? port : `${port}/tcp`
}

function oneOf<const T extends string>(words: readonly T[], value: string, message: string): T {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw new BryoError('USAGE', `${message}, expected one of ${words.join(', ')}`)
}

function exitCode(value: string): number {
  if (/^-?\d{1,10}$/.test(value)) return Number(value)
  throw new BryoError('USAGE', `invalid filter "exited=${value}", expected an exit code`)
}

function regularExpression(key: string, value: string): RegExp {
  try {
    return new RegExp(value)
  } catch (cause) {
    throw new BryoError('USAGE', `invalid filter "${key}=${value}", expected a regular expression`, { cause })
  }
}

/** Hexadecimal digits are the beginning of an id, anything else is a regular expression. */
function idFits(value: string): Fits {
  if (/^[0-9a-f]+$/.test(value)) return ({ record }) => record.id.startsWith(value)
  const pattern = regularExpression('id', value)
  return ({ record }) => pattern.test(record.id)
}

function statusFits(value: string): Fits {
  const status = oneOf(STATES, value, `unknown container state: ${value}`)
  switch (status) {
    case 'stopped':
      return ({ state }) => statusWord(state) === 'exited'
    case 'unknown':
      return ({ state }) => state.status === 'exited' && state.exitCode === undefined
    default:
      return ({ state }) => statusWord(state) === status
  }
}

/** `name`, `/source`, `/target`, or `source:target`. */
function volumeFits(value: string): Fits {
  const colon = value.indexOf(':')
  return ({ request, volumes }) => {
    const mounts = [
      ...volumes.map(({ name, target }) => ({ source: name, target })),
      ...request.mounts.flatMap((mount) =>
        mount.type === 'bind' ? [{ source: mount.source, target: mount.target }] : [],
      ),
    ]
    return mounts.some(({ source, target }) =>
      colon === -1
        ? source === value || target === value
        : source === value.slice(0, colon) && target === value.slice(colon + 1),
    )
  }
}

/** Containers of the image, or of one that was made on top of it. */
function descendsFrom(engine: Engine, value: string): Fits {
  const configOf = imageConfigs(engine)
  const id = findAmong(readAllImages(engine.store), value)?.summary.id
  const below: readonly Digest[] = (id && configOf(id)?.diffIds) ?? []
  return ({ record }) => {
    if (!record.image) return false
    if (record.image.id === id || named(record.image.name, value)) return true
    return below.length > 0 && below.every((diffId, index) => record.layers[index] === diffId)
  }
}

/** The name that the container was made from may mean another image by now, or none. */
function named(name: string, value: string): boolean {
  const reference = value.includes(':') || value.includes('@') ? value : `${value}:latest`
  return name === value || matchesReference(reference, name)
}

/** Whether `--filter` itself says in which states containers are wanted. */
export function namesStates(filters: ReadonlyMap<string, readonly string[]>): boolean {
  return filters.has('status') || filters.has('exited')
}

/** Containers that run, or are about to run again: what lists show unless they are asked for more. */
export function isListedAlways({ state }: ListedContainer): boolean {
  return isUp(state) || statusWord(state) === 'restarting'
}
