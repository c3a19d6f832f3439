import { closeSync, fstatSync, readSync } from 'node:fs'
import { isCurrent, type LogSegment, openLogSegments, openNewerSegments } from './logsFiles.ts'
import { emptyRecord, type LogRecord, type ParseRecord } from './logsRecord.ts'
import { findTail } from './logsTail.ts'

/** Reads a log that may be written, rotated or emptied meanwhile, without a lock. */
export interface LogReader extends Disposable {
  /** The record that {@link next} has found. */
  readonly record: LogRecord
  /** False where there is no whole record more, for now. */
  next(): boolean
  /** Finds the file again after it was rotated or emptied; {@link next} may go on then. */
  refresh(): void
}

export interface LogReaderOptions {
  readonly path: string
  /** How many files the writer keeps. */
  readonly maxFiles: number
  readonly parse: ParseRecord
  /** Begin so many lines before the end; undefined for the beginning. */
  readonly tail: number | undefined
}

const NEWLINE = 10
const BUFFER = 256 * 1024
/** What is longer than that is no record, and is left out. */
const LARGEST_RECORD = 16 * 1024 * 1024

/** A log that has no file yet is empty. */
export function openLogReader(options: LogReaderOptions): LogReader {
  const { path, maxFiles, parse, tail } = options
  const segments = [...openLogSegments(path, maxFiles)]
  const position = tail === undefined ? { segment: 0, offset: 0 } : findTail(segments, tail, parse)
  for (const { fd } of segments.splice(0, position.segment)) closeSync(fd)
  const state: State = {
    ...options,
    segments,
    offset: position.offset,
    record: emptyRecord(),
    buffer: Buffer.alloc(BUFFER),
    start: 0,
    end: 0,
  }
  return {
    record: state.record,
    next: () => next(state),
    refresh: () => refresh(state),
    [Symbol.dispose]: () => {
      for (const { fd } of state.segments.splice(0)) closeSync(fd)
    },
  }
}

interface State extends LogReaderOptions {
  /** What is left to be read, the first being read now. */
  readonly segments: LogSegment[]
  /** In the first segment: where the bytes behind the buffer's are. */
  offset: number
  readonly record: LogRecord
  buffer: Buffer
  /** What of the buffer has not been looked at. */
  start: number
  end: number
}

function next(state: State): boolean {
  for (;;) {
    const { buffer, start } = state
    const newline = start < state.end ? buffer.indexOf(NEWLINE, start) : -1
    if (newline !== -1 && newline < state.end) {
      state.start = newline + 1
      // What is no record was cut off when the writer was: the next one is whole.
      if (state.parse(state.record, buffer, start, newline)) return true
    } else if (!fill(state)) return false
  }
}

/** Reads more behind what is in the buffer; at the end of a file that is not the last, goes on with the next. */
function fill(state: State): boolean {
  const [segment] = state.segments
  if (!segment) return false
  makeRoom(state)
  const { buffer, end } = state
  const read = readSync(segment.fd, buffer, end, buffer.length - end, state.offset)
  state.offset += read
  state.end += read
  if (read > 0) return true
  if (state.segments.length < 2) return false
  closeSync(segment.fd)
  state.segments.shift()
  startOver(state)
  return true
}

function makeRoom(state: State): void {
  const { buffer, start, end } = state
  if (start > 0) {
    buffer.copyWithin(0, start, end)
    state.start = 0
    state.end = end - start
  }
  if (state.end < buffer.length) return
  if (buffer.length >= LARGEST_RECORD) state.end = 0
  else {
    state.buffer = Buffer.alloc(buffer.length * 2)
    buffer.copy(state.buffer)
  }
}

function startOver(state: State): void {
  state.offset = 0
  state.start = 0
  state.end = 0
}

function refresh(state: State): void {
  const { path, maxFiles, segments } = state
  const last = segments.at(-1)
  if (!last) segments.push(...openLogSegments(path, maxFiles))
  else if (!isCurrent(path, last)) segments.push(...openNewerSegments(path, maxFiles, last))
  else if (segments.length === 1 && fstatSync(last.fd).size < state.offset) startOver(state)
}
