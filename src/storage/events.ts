import { closeSync, constants, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { isObject, type JsonObject, parseObject } from '../base/json.ts'
import { formatLogTime, nowNs } from '../base/logTime.ts'
import { flock } from '../syscall/fd.ts'
import { hostPath } from './hostPath.ts'
import type { Store } from './store.ts'

export const EVENT_TYPES = ['container', 'image', 'volume', 'secret', 'network', 'system'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** What happened to something, in Podman's words: create, start, died, remove, pull, ... */
export interface NewEvent {
  readonly type: EventType
  readonly action: string
  /** Of the container or image; the name again for what has no id. */
  readonly id: string
  readonly name: string
  /** The image's name, for events of containers. */
  readonly image?: string
  /** For `died` and `exec_died`. */
  readonly exitCode?: number
  /** Labels, and what else is to be said: `signal`, `health_status`, ... */
  readonly attributes?: Readonly<Record<string, string>>
}

export interface StoredEvent extends NewEvent {
  /** RFC 3339 in UTC with nine digits: such texts are in order where the times are. */
  readonly time: string
}

const MAX_BYTES = 8 * 1024 * 1024
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW

/** The files with the events, oldest first; any of them may be missing. */
export function eventFiles(store: Store): readonly string[] {
  const current = hostPath(store.dataRoot, 'events.log')
  return [`${current}.1`, current]
}

/**
 * Adds an event to the user's log of events: one write, which the kernel keeps together. Some 8 to 16 MiB of the latest are kept.
 * @returns false where the disk takes no more, or the log is spoilt: what has happened has happened, so that is nobody's failure
 */
export function appendEvent(store: Store, event: NewEvent): boolean {
  const path = hostPath(store.dataRoot, 'events.log')
  const stored: StoredEvent = { time: formatLogTime(nowNs()), ...event }
  try {
    const fd = openSync(path, APPEND, 0o600)
    try {
      writeSync(fd, `${JSON.stringify(stored)}\n`)
      if (fstatSync(fd).size >= MAX_BYTES) rotate(fd, path)
    } finally {
      closeSync(fd)
    }
    return true
  } catch (error) {
    if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EROFS', 'ENOENT', 'EISDIR', 'EACCES')) return false
    throw error
  }
}

/** Whoever gets the lock of the full file renames it, unless somebody has done so before. */
function rotate(fd: number, path: string): void {
  if (!flock(fd, 'exclusive', { wait: false })) return
  const [mine, named] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })]
  if (named?.ino === mine.ino && named.dev === mine.dev) renameSync(path, `${path}.1`)
}

/** An event as it was stored; undefined for what is none, as a full disk may have cut it off. */
export function parseEvent(text: string): StoredEvent | undefined {
  // What was cut off stands in front of the next one, on the same line.
  const value = parseObject(text) ?? parseObject(text.slice(text.lastIndexOf('{"time":"')))
  if (!value) return undefined
  const { time, type, action, id, name, image, exitCode, attributes } = value
  const known = EVENT_TYPES.find((one) => one === type)
  if (typeof time !== 'string' || known === undefined || typeof action !== 'string') return undefined
  if (typeof id !== 'string' || typeof name !== 'string') return undefined
  return {
    ...{ time, type: known, action, id, name },
    ...(typeof image === 'string' && { image }),
    ...(typeof exitCode === 'number' && { exitCode }),
    ...(isObject(attributes) && { attributes: textsOf(attributes) }),
  }
}

function textsOf(value: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]))
}
