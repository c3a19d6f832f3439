import { parseObject } from '../../base/json.ts'
import type { LogStream } from '../../base/logConfig.ts'

/** A record of a log file, pointing into the bytes that it was found in: valid until the next one is read. */
export interface LogRecord {
  stream: LogStream
  /** It ends a line; the line end is part of the text then. */
  full: boolean
  bytes: Buffer
  /** The text, without the line end of the file's own format. */
  from: number
  to: number
  /** Where the time stands, as RFC 3339. */
  timeBytes: Buffer
  timeFrom: number
  timeTo: number
}

/** Reads the record `bytes[from..newline)`, and says whether it is one. */
export type ParseRecord = (record: LogRecord, bytes: Buffer, from: number, newline: number) => boolean

const NOTHING = Buffer.alloc(0)

export function emptyRecord(): LogRecord {
  return {
    stream: 'stdout',
    full: true,
    bytes: NOTHING,
    from: 0,
    to: 0,
    timeBytes: NOTHING,
    timeFrom: 0,
    timeTo: 0,
  }
}

const SPACE = 32
const [FULL, PARTIAL, S, T, D, O, E] = Buffer.from('FPstdoe')
/** As formatLogTime() writes it; others may be shorter or longer. */
const TIME_LENGTH = 30
const STREAM_LENGTH = 'stdout'.length

/** `TIME stdout|stderr F|P TEXT`. */
export const parseK8sRecord: ParseRecord = (record, bytes, from, newline) => {
  const timeTo = bytes[from + TIME_LENGTH] === SPACE ? from + TIME_LENGTH : bytes.indexOf(SPACE, from)
  const at = timeTo + 1
  const flag = at + STREAM_LENGTH + 1
  if (timeTo === -1 || flag >= newline) return false
  const letter = bytes[at + 3]
  if (bytes[at] !== S || bytes[at + 1] !== T || bytes[at + 2] !== D || (letter !== O && letter !== E))
    return false
  const full = bytes[flag] === FULL
  if (bytes[flag - 1] !== SPACE || (!full && bytes[flag] !== PARTIAL)) return false
  if (flag + 1 < newline && bytes[flag + 1] !== SPACE) return false
  record.stream = letter === O ? 'stdout' : 'stderr'
  record.full = full
  record.bytes = bytes
  record.from = Math.min(flag + 2, newline)
  record.to = full ? newline + 1 : newline
  record.timeBytes = bytes
  record.timeFrom = from
  record.timeTo = timeTo
  return true
}

/** Docker's `{"log":"TEXT\n","stream":"stdout","time":"TIME"}`. */
export const parseJsonRecord: ParseRecord = (record, bytes, from, newline) => {
  // One that was cut off, or damaged, is none: the log goes on behind it.
  const fields = parseObject(bytes.toString('utf8', from, newline))
  if (typeof fields?.log !== 'string' || typeof fields.time !== 'string') return false
  record.stream = fields.stream === 'stderr' ? 'stderr' : 'stdout'
  record.full = fields.log.endsWith('\n')
  record.bytes = Buffer.from(fields.log)
  record.from = 0
  record.to = record.bytes.length
  record.timeBytes = Buffer.from(fields.time, 'latin1')
  record.timeFrom = 0
  record.timeTo = record.timeBytes.length
  return true
}
