import type { LogStream } from '../../base/logConfig.ts'
import { formatLogTime, LOG_TIME_LENGTH } from '../../base/logTime.ts'
import type { LogFile } from './file.ts'
import type { LogSink } from './sink.ts'

const NEWLINE = 10
const FULL = 'F'.charCodeAt(0)
const PARTIAL = 'P'.charCodeAt(0)

/** Bytes of text in one record. */
const MAX_TEXT = 16 * 1024
export const K8S_RECORD_BYTES = MAX_TEXT + 64

/**
 * Records `TIME stdout|stderr F|P TEXT`: F for the end of a line, P where more of it may follow in the next record of the
 * same stream.
 * @see https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export function k8sFileSink(file: LogFile): LogSink {
  const prefixes = { stdout: prefixOf('stdout'), stderr: prefixOf('stderr') }
  return {
    write: (stream, data, at) => {
      const prefix = prefixes[stream]
      prefix.write(formatLogTime(at), 0, 'latin1')
      writeRecords(file, prefix, data)
      file.flush()
    },
    close: () => file.close(),
  }
}

function prefixOf(stream: LogStream): Buffer {
  return Buffer.from(`${' '.repeat(LOG_TIME_LENGTH)} ${stream} F `)
}

/** Copies as a whole, never byte by byte: without compiled code that costs thirty times as much. */
function writeRecords(file: LogFile, prefix: Buffer, data: Uint8Array): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const { buffer } = file
  const head = prefix.length
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from)
    const full = newline !== -1 && newline - from <= MAX_TEXT
    const to = full ? newline + 1 : Math.min(from + MAX_TEXT, bytes.length)
    const size = head + to - from + (full ? 0 : 1)
    if (file.length + size > file.limit) file.makeRoom(size)
    const start = file.length
    prefix[head - 2] = full ? FULL : PARTIAL
    buffer.set(prefix, start)
    bytes.copy(buffer, start + head, from, to)
    if (!full) buffer[start + size - 1] = NEWLINE
    file.length = start + size
    from = to
  }
}
