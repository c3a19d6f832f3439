import { read, write } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { getWindowSize, isTerminal, makeRaw, restoreTerminal, setWindowSize } from '../syscall/tty.ts'

const CHUNK_BYTES = 65536

export interface TerminalPump {
  /** Gives the container's terminal the size of the caller's. */
  resize(): void
  /** Resolves when the container's side has closed and all its output is written. */
  readonly finished: Promise<void>
  /** Puts the caller's terminal back as it was; any number of times. */
  restore(): void
}

export interface PumpRequest {
  readonly masterFd: number
  readonly inputFd: number
  readonly outputFd: number
  /** Whether input is passed on. */
  readonly interactive: boolean
}

/** Copies between the caller's terminal, in raw mode, and the container's. */
export function startTerminalPump(request: PumpRequest): TerminalPump {
  const { masterFd, inputFd, outputFd, interactive } = request
  const settings = interactive && isTerminal(inputFd) ? makeRaw(inputFd) : undefined
  let restored = settings === undefined
  const restore = () => {
    if (restored || !settings) return
    restored = true
    restoreTerminal(inputFd, settings)
  }
  process.on('exit', restore)
  if (interactive) void copy(inputFd, masterFd).then((end) => end === 'eof' && sendEndOfFile(masterFd))
  const finished = copy(masterFd, outputFd).then(() => {})
  const resize = () => {
    const source = [outputFd, inputFd].find(isTerminal)
    if (source !== undefined) setWindowSize(masterFd, getWindowSize(source))
  }
  return { resize, finished, restore }
}

/** Copies until the source ends (`eof`), or either side is gone. A pty's master says EIO when its last slave has closed. */
async function copy(from: number, to: number): Promise<'eof' | 'gone'> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  try {
    for (;;) {
      const length = await readSome(from, buffer)
      if (length === 0) return 'eof'
      await writeAll(to, buffer.subarray(0, length))
    }
  } catch (error) {
    if (isErrno(error, 'EIO', 'EPIPE', 'EBADF')) return 'gone'
    throw error
  }
}

function readSome(fd: number, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, null, (error, length) => {
      if (!error) resolve(length)
      else if (isErrno(error, 'EAGAIN', 'EINTR'))
        setTimeout(() => readSome(fd, buffer).then(resolve, reject), 5)
      else reject(error)
    })
  })
}

function writeAll(fd: number, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    write(fd, data, 0, data.length, null, (error, length) => {
      if (!error) resolve(length < data.length ? writeAll(fd, data.subarray(length)) : undefined)
      else if (isErrno(error, 'EAGAIN', 'EINTR'))
        setTimeout(() => writeAll(fd, data).then(resolve, reject), 5)
      else reject(error)
    })
  })
}

const END_OF_FILE = Buffer.of(4)

/** The end of a piped input reaches a terminal as its end-of-file character. */
function sendEndOfFile(masterFd: number): void {
  void writeAll(masterFd, END_OF_FILE).catch(() => {})
}
