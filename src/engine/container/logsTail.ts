import { readSync } from 'node:fs'
import type { LogStream } from '../../base/logConfig.ts'
import type { LogSegment } from './logsFiles.ts'
import { emptyRecord, type LogRecord, type ParseRecord } from './logsRecord.ts'

export interface LogPosition {
  /** Index among the segments. */
  readonly segment: number
  readonly offset: number
}

const NEWLINE = 10
const BLOCK = 64 * 1024
/** A record that is larger is no record. */
const LARGEST_BLOCK = 16 * 1024 * 1024

/**
 * Where the last `lines` lines begin, found from the end backwards. A line that has not ended counts as one.
 * @param segments oldest first
 */
export function findTail(segments: readonly LogSegment[], lines: number, parse: ParseRecord): LogPosition {
  const count: Count = { left: lines, ended: new Set(), record: emptyRecord(), parse }
  for (let segment = segments.length - 1; segment >= 0; segment--) {
    const offset = searchBack(segments[segment], count)
    if (offset !== undefined) return { segment, offset }
  }
  return { segment: 0, offset: 0 }
}

interface Count {
  left: number
  /** Streams of which a record has been seen: one before that has no line end is no line of its own. */
  readonly ended: Set<LogStream>
  readonly record: LogRecord
  readonly parse: ParseRecord
}

/** Goes through whole records in blocks; what begins in an earlier block is left to that. */
function searchBack(segment: LogSegment | undefined, count: Count): number | undefined {
  let block = BLOCK
  for (let end = segment?.size ?? 0; segment && end > 0; ) {
    const start = Math.max(0, end - block)
    const bytes = Buffer.alloc(end - start)
    const length = readFully(segment.fd, bytes, start)
    const first = start === 0 ? 0 : bytes.indexOf(NEWLINE) + 1
    // No record begins here but the one at the end of which the block ends.
    if (start > 0 && (first === 0 || first >= length) && block < LARGEST_BLOCK) {
      block *= 2
      continue
    }
    const found = countRecords(bytes.subarray(0, length), first, count)
    if (found !== undefined) return start + found
    end = start === 0 || first === 0 ? start : start + first
    block = BLOCK
  }
  return undefined
}

/** @returns the end of the record before the first wanted one */
function countRecords(bytes: Buffer, first: number, count: Count): number | undefined {
  for (let newline = bytes.lastIndexOf(NEWLINE); newline >= first; ) {
    const before = newline === 0 ? -1 : bytes.lastIndexOf(NEWLINE, newline - 1)
    const from = Math.max(first, before + 1)
    if (count.parse(count.record, bytes, from, newline)) {
      const { stream, full } = count.record
      if (full || !count.ended.has(stream)) {
        if (count.left === 0) return newline + 1
        count.left -= 1
      }
      count.ended.add(stream)
    }
    newline = before
  }
  return undefined
}

function readFully(fd: number, bytes: Buffer, position: number): number {
  let done = 0
  while (done < bytes.length) {
    const read = readSync(fd, bytes, done, bytes.length - done, position + done)
    if (read === 0) break
    done += read
  }
  return done
}
