import { BryoError } from '../base/errors.ts'
import { matchesLabel } from '../base/labels.ts'
import { formatLogTime } from '../base/logTime.ts'
import { EVENT_TYPES, eventFiles, parseEvent, type StoredEvent } from '../storage/events.ts'
import { openLogReader } from './container/logsReader.ts'
import type { LogRecord } from './container/logsRecord.ts'
import type { Engine } from './engine.ts'

export interface EventsRequest {
  /** Nanoseconds since 1970. Without it, streaming begins with what happens from now on. */
  readonly since: bigint | undefined
  readonly until: bigint | undefined
  /** Wait for more, up to `until` or for ever. */
  readonly stream: boolean
  /** Values by key of {@link EVENT_FILTERS}: of each key, one must fit. */
  readonly filters: ReadonlyMap<string, readonly string[]>
}

export const EVENT_FILTERS = [
  ...[
    'container',
    'event',
    'image',
    'label',
    'network',
    'pod',
    'scope',
    'secret',
    'status',
    'type',
    'volume',
  ],
] as const

/** @throws BryoError USAGE for a value of `type` that no event has */
export function checkEventFilters(filters: EventsRequest['filters']): void {
  const known: readonly string[] = [...EVENT_TYPES, 'pod']
  const unknown = filters.get('type')?.find((type) => !known.includes(type))
  if (unknown === undefined) return
  throw new BryoError('USAGE', `unknown type of events "${unknown}", expected one of ${known.join(', ')}`)
}

const PAUSE_MS = 100

/** Calls with each event that was asked for, oldest first. Reads without a lock, and finds the log again after its rotation. */
export async function readEvents(
  { store }: Engine,
  { since, until, stream, filters }: EventsRequest,
  onEvent: (event: StoredEvent) => void,
): Promise<void> {
  let found: StoredEvent | undefined
  const parse = (_: LogRecord, bytes: Buffer, from: number, newline: number): boolean => {
    found = parseEvent(bytes.toString('utf8', from, newline))
    return found !== undefined
  }
  const files = eventFiles(store)
  const onlyNew = stream && since === undefined && (until === undefined || until > nowInNs())
  using reader = openLogReader({
    path: files.at(-1) ?? '',
    maxFiles: files.length,
    parse,
    tail: onlyNew ? 0 : undefined,
  })
  const [first, last] = [since, until].map((at) => (at === undefined ? undefined : formatLogTime(at)))
  for (;;) {
    const over = !stream || (until !== undefined && nowInNs() > until)
    reader.refresh()
    while (reader.next()) {
      if (!found || (first !== undefined && found.time < first)) continue
      if ((last === undefined || found.time <= last) && matchesEvent(found, filters)) onEvent(found)
    }
    if (over) return
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

function nowInNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

function matchesEvent(event: StoredEvent, filters: EventsRequest['filters']): boolean {
  return [...filters].every(([key, values]) => values.some((value) => matchesFilter(event, key, value)))
}

const isNamed = ({ id, name }: StoredEvent, value: string): boolean =>
  name === value || (value !== '' && id.startsWith(value))

function matchesFilter(event: StoredEvent, key: string, value: string): boolean {
  switch (key) {
    case 'container':
      return event.type === 'container' && isNamed(event, value)
    case 'event':
    case 'status':
      return event.action === value
    case 'image':
      return event.type === 'image'
        ? isNamed(event, value) || isImage(event.name, value)
        : isImage(event.image, value)
    case 'label':
      return matchesLabel(event.attributes ?? {}, value)
    case 'type':
      return event.type === value
    case 'scope':
      return value === 'local'
    case 'network':
    case 'pod':
    case 'secret':
    case 'volume':
      return event.type === key && isNamed(event, value)
    default:
      return false
  }
}

/** `alpine` means docker.io/library/alpine:latest too. */
function isImage(name: string | undefined, wanted: string): boolean {
  if (name === undefined || wanted === '') return false
  const bare = (text: string) => text.replace(/:latest$/, '')
  return name === wanted || bare(name) === bare(wanted) || bare(name).endsWith(`/${bare(wanted)}`)
}
