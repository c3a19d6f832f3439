import { isErrno } from '../base/errors.ts'
import { sleep } from '../base/sleep.ts'

/** The reader of standard output is gone (`bryo images | head -1`): the command ends without a word. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}

/** What a shell reports for a program that SIGPIPE ended: 128 + 13. */
export const EXIT_OUTPUT_CLOSED = 141

const STDOUT = 1
const STDERR = 2
const RETRY_MS = 2

/**
 * Writes all of the text at once, also where the descriptor is non-blocking.
 * @throws OutputClosed where nobody reads any more
 */
export function writeOut(text: string | Uint8Array): void {
  writeAll(STDOUT, text)
}

/** Like {@link writeOut}; a closed standard error is nobody's failure. */
export function writeErr(text: string | Uint8Array): void {
  try {
    writeAll(STDERR, text)
  } catch (error) {
    if (!(error instanceof OutputClosed) && !isErrno(error, 'EBADF')) throw error
  }
}

export function printLine(line: string): void {
  writeOut(`${line}\n`)
}

/** A line on stderr that does not change the exit code. */
export function printWarning(message: string): void {
  writeErr(`Warning: ${message}\n`)
}

function writeAll(fd: number, text: string | Uint8Array): void {
  // Loaded here, because it is half of the time that `bryo --version` would take.
  const { writeSync } = process.getBuiltinModule('node:fs')
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  let written = 0
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      if (isErrno(error, 'EPIPE')) throw new OutputClosed('nobody reads the output', { cause: error })
      if (!isErrno(error, 'EAGAIN', 'EINTR')) throw error
      sleep(RETRY_MS)
    }
  }
}
