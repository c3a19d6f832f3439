import type { ContainerId } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { LogConfig } from '../../base/logConfig.ts'
import { shortId } from '../../base/shortId.ts'
import { readContainers, requireContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState, isProcessAlive } from '../../storage/container/state.ts'
import type { Store } from '../../storage/store.ts'
import type { Engine } from '../engine.ts'
import { planLog } from './logConfig.ts'
import { createMerger } from './logsMerge.ts'
import { createLogWriter, createPlainPrinter, type LogOutput, type TimeRange } from './logsPrint.ts'
import { type LogReader, openLogReader } from './logsReader.ts'
import { parseJsonRecord, parseK8sRecord } from './logsRecord.ts'
import { storedConfig } from './stored.ts'

export interface LogsRequest extends TimeRange {
  /** Empty for the container that was made last. */
  readonly names: readonly string[]
  readonly follow: boolean
  /** Lines at the end; undefined for all. */
  readonly tail: number | undefined
  readonly timestamps: boolean
  /** With several containers: names instead of ids in front of the lines. */
  readonly showNames: boolean
  readonly color: boolean
}

interface Source {
  readonly record: ContainerRecord
  readonly log: LogConfig
}

/**
 * Shows what containers have written, several of them in the order of time. With `follow` until the last of them has ended, is
 * removed, or `until` is over.
 * @throws BryoError NOT_FOUND, AMBIGUOUS, UNSUPPORTED where the log driver keeps nothing that could be read
 */
export async function showLogs(engine: Engine, request: LogsRequest, output: LogOutput): Promise<void> {
  const sources = findSources(engine, request)
  const [first] = sources
  if (first?.log.driver === 'journald') {
    const { showJournal } = await import('./logsJournal.ts')
    const isOver = () => hasEnded(engine.store, first.record.id)
    return await showJournal({ ...request, id: first.record.id, env: engine.facts.env, isOver }, output)
  }
  using stack = new DisposableStack()
  const readers = sources.map(({ log }) => stack.use(openReader(log, request.tail)))
  const show = createShow(sources, readers, request, output)
  if (request.follow) await follow(engine, request, { sources, readers, show })
  else show.drain()
  show.finish()
}

function findSources({ store }: Engine, { names }: LogsRequest): readonly Source[] {
  const records = names.length === 0 ? [latest(store)] : names.map((name) => requireContainer(store, name))
  const sources = records.map((record) => ({
    record,
    log: planLog(store, record, storedConfig(record).request),
  }))
  for (const { record, log } of sources) requireReadable(record, log, sources.length)
  return sources
}

function latest(store: Store): ContainerRecord {
  const found = readContainers(store).at(-1)
  if (found) return found
  throw new BryoError('NOT_FOUND', 'no container with name or ID "" found: there are no containers')
}

function requireReadable({ name }: ContainerRecord, { driver }: LogConfig, count: number): void {
  if (driver === 'none') {
    throw new BryoError(
      'UNSUPPORTED',
      "this container is using the 'none' log driver, cannot read logs: this container is not logging output",
    )
  }
  if (driver === 'passthrough') {
    throw new BryoError(
      'UNSUPPORTED',
      "this container is using the 'passthrough' log driver, cannot read logs: its output went where that of bryo went",
    )
  }
  if (driver !== 'journald' || count === 1) return
  throw new BryoError('UNSUPPORTED', `cannot show the log of "${name}" with others: it is in the journal`, {
    hint: 'ask for it alone',
  })
}

function openReader({ driver, path, maxFiles }: LogConfig, tail: number | undefined): LogReader {
  const parse = driver === 'json-file' ? parseJsonRecord : parseK8sRecord
  return openLogReader({ path, maxFiles, parse, tail })
}

interface Show {
  /** Shows all that there is for now. @returns whether there was anything */
  drain(): boolean
  finish(): void
}

const COLOURS = [37, 31, 32, 33, 34, 35, 36]

function createShow(
  sources: readonly Source[],
  readers: readonly LogReader[],
  request: LogsRequest,
  output: LogOutput,
): Show {
  const writer = createLogWriter(output)
  const [reader] = readers
  if (readers.length === 1 && reader && !request.color) {
    const print = createPlainPrinter(writer, request)
    const drain = () => {
      let shown = false
      for (; reader.next(); shown = true) print(reader.record)
      writer.flush()
      return shown
    }
    return { drain, finish: () => {} }
  }
  const merged = sources.map(({ record }, index) => {
    const label = request.showNames ? record.name : shortId(record.id)
    const prefix = sources.length > 1 ? `${label} ` : ''
    const colour = COLOURS[index % COLOURS.length]
    return request.color
      ? { prefix: `\u001b[${colour}m${prefix}`, suffix: '\u001b[0m' }
      : { prefix, suffix: '' }
  })
  const merger = createMerger(
    readers.flatMap((one, index) => {
      const decoration = merged[index]
      return decoration ? [{ reader: one, ...decoration }] : []
    }),
    writer,
    request,
  )
  const flushed = <T>(act: () => T): T => {
    const result = act()
    writer.flush()
    return result
  }
  return { drain: () => flushed(merger.drain), finish: () => flushed(merger.finish) }
}

const PAUSE_MS = 50

/** Looks for more again and again. That a container has ended is asked before its log is read: so nothing it wrote is missed. */
async function follow(
  { store }: Engine,
  { until }: LogsRequest,
  {
    sources,
    readers,
    show,
  }: { readonly sources: readonly Source[]; readonly readers: readonly LogReader[]; readonly show: Show },
): Promise<void> {
  for (let busy = true; ; ) {
    const over =
      (!busy && sources.every(({ record }) => hasEnded(store, record.id))) ||
      (until !== undefined && BigInt(Date.now()) * 1_000_000n > until)
    for (const reader of readers) reader.refresh()
    busy = show.drain()
    if (over) return
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** Neither runs nor is between two starts of its restart policy; also where it was removed. */
function hasEnded(store: Store, id: ContainerId): boolean {
  const state = effectiveState(store, id)
  if (state.status === 'created') return true
  return state.status === 'exited' && !(state.restarting && isProcessAlive(state.restarting))
}
