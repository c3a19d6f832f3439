import type { LogStream } from '../../base/logConfig.ts'
import { formatLogTime } from '../../base/logTime.ts'
import type { LogFile } from './file.ts'
import type { LogSink } from './sink.ts'

const NEWLINE = 10
/** Bytes of text in one record: JSON may make six of each. */
const MAX_TEXT = 4 * 1024
const OTHER_MEMBERS = 128

type Attributes = Readonly<Record<string, string>>

/** The most that a record of a log with these attributes takes. */
export function jsonRecordBytes(attributes: Attributes): number {
  return 6 * (MAX_TEXT + 3) + OTHER_MEMBERS + Buffer.byteLength(attributesMember(attributes))
}

/**
 * Docker's records `{"log":"TEXT\n","stream":"stdout","time":"TIME"}`; one whose text has no line end is continued by the next
 * of its stream. Bytes that are not UTF-8 become U+FFFD.
 * @param attributes the member `attrs` of each record
 * @see https://docs.docker.com/engine/logging/drivers/json-file/
 */
export function jsonFileSink(file: LogFile, attributes: Attributes): LogSink {
  const attrs = attributesMember(attributes)
  // They keep a character of which only the first bytes have come.
  const decoders = { stdout: newDecoder(), stderr: newDecoder() }
  const append = (stream: LogStream, text: string, time: string) => {
    if (text === '') return
    const record = `{"log":${JSON.stringify(text)},"stream":"${stream}"${attrs},"time":"${time}"}\n`
    const size = Buffer.byteLength(record)
    if (file.length + size > file.limit) file.makeRoom(size)
    file.length += file.buffer.write(record, file.length)
  }
  return {
    write: (stream, data, at) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      const time = formatLogTime(at)
      for (let from = 0; from < bytes.length; ) {
        const to = endOfPiece(bytes, from)
        append(stream, decoders[stream].decode(bytes.subarray(from, to), { stream: true }), time)
        from = to
      }
      file.flush()
    },
    close: () => {
      const time = formatLogTime(BigInt(Date.now()) * 1_000_000n)
      append('stdout', decoders.stdout.decode(), time)
      append('stderr', decoders.stderr.decode(), time)
      file.close()
    },
  }
}

function newDecoder() {
  return new TextDecoder('utf-8', { ignoreBOM: true })
}

function endOfPiece(bytes: Buffer, from: number): number {
  const newline = bytes.indexOf(NEWLINE, from)
  return newline !== -1 && newline - from < MAX_TEXT ? newline + 1 : Math.min(from + MAX_TEXT, bytes.length)
}

function attributesMember(attributes: Attributes): string {
  return Object.keys(attributes).length === 0 ? '' : `,"attrs":${JSON.stringify(attributes)}`
}
