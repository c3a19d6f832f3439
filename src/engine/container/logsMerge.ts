import type { LogStream } from '../../base/logConfig.ts'
import { formatLogTime, parseLogTime } from '../../base/logTime.ts'
import { type LogWriter, type TimeRange, timeFilter } from './logsPrint.ts'
import type { LogReader } from './logsReader.ts'
import type { LogRecord } from './logsRecord.ts'

/** One of several logs that are shown together. */
export interface MergedSource {
  readonly reader: LogReader
  /** In front of each line: the container, a colour. */
  readonly prefix: string
  /** Behind each line: the end of the colour. */
  readonly suffix: string
}

interface Line {
  /** In a form in which texts are in order where times are. */
  readonly key: string
  readonly time: string
  readonly stream: LogStream
  /** Without its line end. */
  readonly text: Buffer
}

interface State {
  readonly source: MergedSource
  readonly parts: Record<LogStream, Buffer[]>
  readonly first: Record<LogStream, string>
  head: Line | undefined
}

/** A longer line is broken: what is held of lines that have not ended must not grow without bound. */
const LONGEST_LINE = 1024 * 1024

/** Shows whole lines of several logs in the order of their times. */
export interface LogMerger {
  /** Shows all that there is for now. @returns whether there was anything */
  drain(): boolean
  /** Shows lines that have not ended. */
  finish(): void
}

export function createMerger(
  sources: readonly MergedSource[],
  writer: LogWriter,
  options: TimeRange & { readonly timestamps: boolean },
): LogMerger {
  const states = sources.map(
    (source): State => ({
      source,
      parts: { stdout: [], stderr: [] },
      first: { stdout: '', stderr: '' },
      head: undefined,
    }),
  )
  const isWanted = timeFilter(options)
  const show = ({ source }: State, { stream, time, text }: Line) => {
    const front = Buffer.from(options.timestamps ? `${source.prefix}${time} ` : source.prefix)
    const back = Buffer.from(`${source.suffix}\n`)
    for (const part of [front, text, back]) writer.append(stream, part, 0, part.length)
  }
  return {
    drain: () => {
      let shown = false
      for (;;) {
        for (const state of states) state.head ??= nextLine(state, isWanted)
        const earliest = earliestOf(states)
        if (!earliest?.head) return shown
        show(earliest, earliest.head)
        earliest.head = undefined
        shown = true
      }
    },
    finish: () => {
      for (const state of states) {
        for (const stream of ['stdout', 'stderr'] as const) {
          if (state.parts[stream].length > 0) show(state, takeLine(state, stream))
        }
      }
    },
  }
}

function earliestOf(states: readonly State[]): State | undefined {
  let earliest: State | undefined
  for (const state of states) {
    if (state.head && (!earliest?.head || state.head.key < earliest.head.key)) earliest = state
  }
  return earliest
}

function nextLine(state: State, isWanted: ((record: LogRecord) => boolean) | undefined): Line | undefined {
  const { reader } = state.source
  while (reader.next()) {
    const { record } = reader
    if (isWanted && !isWanted(record)) continue
    const { stream, full } = record
    const parts = state.parts[stream]
    if (parts.length === 0) {
      state.first[stream] = record.timeBytes.toString('latin1', record.timeFrom, record.timeTo)
    }
    // A copy: the reader's buffer is read into again.
    parts.push(Buffer.from(record.bytes.subarray(record.from, full ? record.to - 1 : record.to)))
    if (full || sizeOf(parts) > LONGEST_LINE) return takeLine(state, stream)
  }
  return undefined
}

function sizeOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

function takeLine(state: State, stream: LogStream): Line {
  const time = state.first[stream]
  const [only = Buffer.alloc(0), ...others] = state.parts[stream]
  const text = others.length === 0 ? only : Buffer.concat(state.parts[stream])
  state.parts[stream] = []
  return { key: sortKey(time), time, stream, text }
}

const OWN_FORM = /^.{29}Z$/

function sortKey(time: string): string {
  if (OWN_FORM.test(time)) return time
  const at = parseLogTime(time)
  return at === undefined ? time : formatLogTime(at)
}
