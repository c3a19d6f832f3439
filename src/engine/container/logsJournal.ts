import { BryoError, isErrno } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { parseObject } from '../../base/json.ts'
import { formatLogTime } from '../../base/logTime.ts'
import { createLogWriter, createPlainPrinter, type LogOutput, type TimeRange } from './logsPrint.ts'
import { emptyRecord, type LogRecord } from './logsRecord.ts'

export interface JournalRequest extends TimeRange {
  readonly id: string
  readonly follow: boolean
  readonly tail: number | undefined
  readonly timestamps: boolean
  readonly env: HostFacts['env']
  /** Whether the container has ended. */
  readonly isOver: () => boolean
}

const CHECK_MS = 250
/** What the journal may need to have an entry that was sent before the end. */
const SETTLE_MS = 500

/** Shows a container's entries of the journal, as journalctl(1) gives them. @throws BryoError TOOL_MISSING, RUNTIME */
export async function showJournal(request: JournalRequest, output: LogOutput): Promise<void> {
  const { spawn } = await import('node:child_process')
  const writer = createLogWriter(output)
  const print = createPlainPrinter(writer, request)
  const child = spawn('journalctl', journalArguments(request), {
    env: request.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const complaints: Buffer[] = []
  child.stderr.on('data', (data: Buffer) => complaints.push(data))
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 0))
  })
  // It is awaited below, after the output.
  ended.catch(() => {})
  let lastEntry = Date.now()
  let stopped = false
  const watch = setInterval(() => {
    if (!request.isOver() || Date.now() - lastEntry < SETTLE_MS) return
    stopped = true
    child.kill()
  }, CHECK_MS)
  if (!request.follow) clearInterval(watch)
  try {
    for await (const line of linesOf(child.stdout)) {
      const record = parseEntry(line)
      if (record) print(record)
      if (request.follow) writer.flush()
      lastEntry = Date.now()
    }
    const code = await ended
    if (code !== 0 && !stopped) {
      const said = Buffer.concat(complaints).toString().trim()
      throw new BryoError('RUNTIME', `cannot read the journal: journalctl ended with ${code}: ${said}`)
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new BryoError(
      'TOOL_MISSING',
      'cannot read the log: it is in the journal, and there is no journalctl',
      {
        hint: 'install systemd, or choose --log-driver k8s-file for new containers',
        cause: error,
      },
    )
  } finally {
    clearInterval(watch)
    child.kill()
    writer.flush()
  }
}

function journalArguments({ id, follow, tail, since, until }: JournalRequest): readonly string[] {
  const seconds = (at: bigint) => `@${(Number(at / 1000n) / 1e6).toFixed(6)}`
  return [
    '--quiet',
    '--no-pager',
    '--output=json',
    '--all',
    ...(follow ? ['--follow'] : []),
    ...(tail !== undefined ? [`--lines=${tail}`] : follow ? ['--no-tail'] : []),
    ...(since !== undefined ? [`--since=${seconds(since)}`] : []),
    ...(until !== undefined && !follow ? [`--until=${seconds(until)}`] : []),
    `CONTAINER_ID_FULL=${id}`,
  ]
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

const STDERR_PRIORITY = '3'

/** An entry as a record of a log file; undefined for what is none. */
export function parseEntry(line: string): LogRecord | undefined {
  const entry = parseObject(line)
  const text = messageBytes(entry?.MESSAGE)
  const microseconds = entry?.__REALTIME_TIMESTAMP
  if (!entry || !text || typeof microseconds !== 'string' || !/^\d{1,17}$/.test(microseconds))
    return undefined
  const full = entry.CONTAINER_PARTIAL_MESSAGE !== 'true'
  const bytes = full ? Buffer.concat([text, Buffer.from('\n')]) : text
  const timeBytes = Buffer.from(formatLogTime(BigInt(microseconds) * 1000n))
  return {
    ...emptyRecord(),
    stream: entry.PRIORITY === STDERR_PRIORITY ? 'stderr' : 'stdout',
    full,
    bytes,
    to: bytes.length,
    timeBytes,
    timeTo: timeBytes.length,
  }
}

/** Text, or a list of bytes where it is not UTF-8. */
function messageBytes(message: unknown): Buffer | undefined {
  if (typeof message === 'string') return Buffer.from(message)
  if (!Array.isArray(message)) return undefined
  return message.every((byte) => typeof byte === 'number') ? Buffer.from(message) : undefined
}
