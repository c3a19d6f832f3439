import { closeSync } from 'node:fs'
import { messageOf } from '../../base/errors.ts'
import type { LogConfig, LogStream } from '../../base/logConfig.ts'
import { shortId } from '../../base/shortId.ts'
import { sendToUnix, unixDatagramSocket } from '../../syscall/socket.ts'
import type { LogSink, LogTrouble } from './sink.ts'

const NEWLINE = 10
/** Bytes of text in one entry: far below what a datagram may have. */
const MAX_TEXT = 32 * 1024
/** How long the container stands still for a journal that does not read. */
const SEND_TIMEOUT_MS = 5000
/** As syslog has them: informational for standard output, errors for the other. */
const PRIORITY = { stdout: 6, stderr: 3 } as const

/**
 * One entry a line, in the journal's own protocol; `CONTAINER_PARTIAL_MESSAGE=true` where a line goes on in the next entry.
 * @see https://systemd.io/JOURNAL_NATIVE_PROTOCOL
 */
export function journaldSink(config: LogConfig, trouble: LogTrouble): LogSink {
  const fd = unixDatagramSocket({ sendTimeoutMs: SEND_TIMEOUT_MS })
  const heads = { stdout: headOf(config, 'stdout'), stderr: headOf(config, 'stderr') }
  const packet = Buffer.alloc(Math.max(heads.stdout.length, heads.stderr.length) + MAX_TEXT + TAIL.length)
  let failed = false
  const send = (length: number) => {
    try {
      sendToUnix(fd, packet.subarray(0, length), config.path)
    } catch (error) {
      if (!failed)
        trouble(
          `cannot write to the journal "${config.path}": ${messageOf(error)}; output is lost until it can`,
        )
      failed = true
    }
  }
  return {
    write: (stream, data) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      const head = heads[stream]
      packet.set(head)
      for (let from = 0; from < bytes.length; ) {
        const newline = bytes.indexOf(NEWLINE, from)
        const full = newline !== -1 && newline - from <= MAX_TEXT
        const to = full ? newline : Math.min(from + MAX_TEXT, bytes.length)
        packet.writeBigUInt64LE(BigInt(to - from), head.length - 8)
        bytes.copy(packet, head.length, from, to)
        const end = head.length + to - from
        const tail = full ? END : TAIL
        packet.set(tail, end)
        send(end + tail.length)
        from = full ? to + 1 : to
      }
    },
    close: () => closeSync(fd),
  }
}

const END = Buffer.from('\n')
const TAIL = Buffer.from('\nCONTAINER_PARTIAL_MESSAGE=true\n')

/** All fields of an entry up to the text, and room for its length. */
function headOf(config: LogConfig, stream: LogStream): Buffer {
  const { containerId, containerName, image, tag, attributes } = config
  const chosen = Object.entries(attributes).map(([key, value]) => [fieldName(key), value] as const)
  const fields = {
    ...Object.fromEntries(chosen.filter(([name]) => name !== 'MESSAGE')),
    PRIORITY: String(PRIORITY[stream]),
    CONTAINER_ID: shortId(containerId),
    CONTAINER_ID_FULL: containerId,
    CONTAINER_NAME: containerName,
    IMAGE_NAME: image,
    SYSLOG_IDENTIFIER: tag ?? shortId(containerId),
    ...(tag !== undefined && { CONTAINER_TAG: tag }),
  }
  const encoded = Object.entries(fields).map(([name, value]) => journalField(name, value))
  return Buffer.concat([...encoded, Buffer.from('MESSAGE\n'), Buffer.alloc(8)])
}

/** A field as text, or with its length where a line end in it would end it. */
function journalField(name: string, value: string): Buffer {
  if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`)
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, END])
}

/** The journal takes capitals, digits and underscores, and keeps a leading underscore for itself. */
function fieldName(key: string): string {
  const name = key
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^[_0-9]+/, '')
  return name === '' ? 'X' : name.slice(0, 64)
}
