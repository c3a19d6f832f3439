import { promisify } from 'node:util'

/** Takes data, and gives it compressed on the other side; both sides wait for each other. */
export interface GzipPipe {
  readonly write: (chunk: Uint8Array) => Promise<void>
  readonly end: () => Promise<void>
  /** Ends the output with this error, where there is one. */
  readonly stop: (error: unknown) => void
  readonly output: () => AsyncGenerator<Uint8Array>
}

export interface GzipOptions {
  /** 6 by default. */
  readonly level?: number | undefined
  /** Blocks that are compressed at a time; makes no difference to the output. */
  readonly parallel: number
}

const BLOCK = 512 * 1024
/** What deflate may refer back to. */
const WINDOW = 32 * 1024
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** The last block of a deflate stream, with nothing in it. */
const LAST_BLOCK = Buffer.from([3, 0])

/**
 * gzip on all processors: blocks of the data become parts of one stream, each with the end of the one before it as its dictionary. The output depends on
 * nothing but the data and the level.
 * @see RFC 1952; section 2 has the header and the end
 */
export async function createParallelGzip({ level = 6, parallel }: GzipOptions): Promise<GzipPipe> {
  const zlib = await import('node:zlib')
  const deflate = promisify<Uint8Array, object, Buffer>(zlib.deflateRaw)
  const queue: Promise<Buffer>[] = []
  const wake = createSignal()
  let state: 'open' | 'ended' | 'stopped' = 'open'
  let failure: unknown
  // Blocks are used again: the runtime would not free them as fast as they come.
  const free: Buffer[] = []
  let block: Buffer = Buffer.allocUnsafe(BLOCK)
  let size = 0
  let dictionary: Buffer | undefined
  let crc = 0
  let total = 0

  const submit = async () => {
    const whole = block
    const data = whole.subarray(0, size)
    crc = zlib.crc32(data, crc)
    total += size
    const flush = { finishFlush: zlib.constants.Z_SYNC_FLUSH, chunkSize: BLOCK + WINDOW }
    const options = { level, ...flush, ...(dictionary && { dictionary }) }
    dictionary = Buffer.from(data.subarray(-WINDOW))
    while (queue.length >= parallel && state === 'open') await wake.wait()
    // Nobody reads any more: what comes goes nowhere.
    size = 0
    if (state !== 'open') return
    const compressed = deflate(data, options).finally(() => free.push(whole))
    // Who reads the output meets the error; until then it is nobody's.
    compressed.catch(() => {})
    queue.push(compressed)
    wake.notify()
    block = free.pop() ?? Buffer.allocUnsafe(BLOCK)
  }
  const write: GzipPipe['write'] = async (chunk) => {
    for (let rest = chunk; rest.byteLength > 0; ) {
      const part = rest.subarray(0, BLOCK - size)
      block.set(part, size)
      size += part.byteLength
      rest = rest.subarray(part.byteLength)
      if (size === BLOCK) await submit()
    }
  }
  const end = async () => {
    if (size > 0) await submit()
    if (state === 'open') state = 'ended'
    wake.notify()
  }
  const stop = (error: unknown) => {
    state = 'stopped'
    failure = error
    wake.notify()
  }
  const output = async function* () {
    yield HEADER
    for (;;) {
      if (state === 'stopped') throw failure
      const next = queue[0]
      if (next) {
        yield await next
        queue.shift()
        wake.notify()
      } else if (state === 'ended') break
      else await wake.wait()
    }
    const tail = Buffer.alloc(8)
    tail.writeUInt32LE(crc, 0)
    tail.writeUInt32LE(total % 2 ** 32, 4)
    yield Buffer.concat([LAST_BLOCK, tail])
  }
  return { write, end, stop, output }
}

interface Signal {
  readonly wait: () => Promise<void>
  /** Wakes all that wait. */
  readonly notify: () => void
}

function createSignal(): Signal {
  let waiting: (() => void)[] = []
  return {
    wait: () => new Promise((resolve) => waiting.push(resolve)),
    notify: () => {
      const woken = waiting
      waiting = []
      for (const resolve of woken) resolve()
    },
  }
}
