import type { LogStream } from '../../base/logConfig.ts'
import { formatLogTime, parseLogTime } from '../../base/logTime.ts'
import type { LogRecord } from './logsRecord.ts'

/** Where a log is shown. */
export interface LogOutput {
  /** Takes the bytes at once: they are overwritten afterwards. */
  write(stream: LogStream, bytes: Uint8Array): void
}

/** Nanoseconds since 1970, both included; undefined for no bound. */
export interface TimeRange {
  readonly since?: bigint | undefined
  readonly until?: bigint | undefined
}

/** Collects pieces for one stream, and writes where the buffer is full or the stream changes: the order stays. */
export interface LogWriter {
  append(stream: LogStream, bytes: Buffer, from: number, to: number): void
  flush(): void
}

const BUFFER = 128 * 1024

export function createLogWriter(output: LogOutput): LogWriter {
  const buffer = Buffer.alloc(BUFFER)
  let length = 0
  let current: LogStream = 'stdout'
  const flush = () => {
    if (length > 0) output.write(current, buffer.subarray(0, length))
    length = 0
  }
  return {
    append: (stream, bytes, from, to) => {
      if (stream !== current || length + to - from > BUFFER) flush()
      current = stream
      if (to - from > BUFFER) output.write(stream, bytes.subarray(from, to))
      else {
        bytes.copy(buffer, length, from, to)
        length += to - from
      }
    },
    flush,
  }
}

const SPACE = Buffer.from(' ')

/**
 * Shows the records of one container: the text as it came, with the time in front of each line where wanted. A line that has not
 * ended is shown as far as it goes.
 */
export function createPlainPrinter(
  writer: LogWriter,
  options: TimeRange & { readonly timestamps: boolean },
): (record: LogRecord) => void {
  const isWanted = timeFilter(options)
  const within = { stdout: false, stderr: false }
  return (record) => {
    if (isWanted && !isWanted(record)) return
    const { stream } = record
    if (options.timestamps && !within[stream]) {
      writer.append(stream, record.timeBytes, record.timeFrom, record.timeTo)
      writer.append(stream, SPACE, 0, 1)
    }
    within[stream] = !record.full
    writer.append(stream, record.bytes, record.from, record.to)
  }
}

const Z = 'Z'.charCodeAt(0)

/** Whether a record's time is in the range; undefined where there is no bound. Times of our own form are compared as they stand. */
export function timeFilter({ since, until }: TimeRange): ((record: LogRecord) => boolean) | undefined {
  if (since === undefined && until === undefined) return undefined
  const low = since === undefined ? undefined : Buffer.from(formatLogTime(since))
  const high = until === undefined ? undefined : Buffer.from(formatLogTime(until))
  const length = (low ?? high)?.length
  return ({ timeBytes, timeFrom, timeTo }) => {
    if (timeTo - timeFrom === length && timeBytes[timeTo - 1] === Z) {
      if (low && timeBytes.compare(low, 0, length, timeFrom, timeTo) < 0) return false
      return !high || timeBytes.compare(high, 0, length, timeFrom, timeTo) <= 0
    }
    const at = parseLogTime(timeBytes.toString('latin1', timeFrom, timeTo))
    return at !== undefined && (since === undefined || at >= since) && (until === undefined || at <= until)
  }
}
