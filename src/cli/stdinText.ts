import { BryoError } from '../base/errors.ts'

const STDIN = 0
const MAX_BYTES = 64 * 1024

/** All of standard input, where only a short text makes sense. @throws BryoError USAGE */
export function readStdinText(what: string): string {
  const { readSync } = process.getBuiltinModule('node:fs')
  const buffer = Buffer.alloc(MAX_BYTES + 1)
  let size = 0
  while (size <= MAX_BYTES) {
    const count = readSync(STDIN, buffer, size, buffer.length - size, null)
    if (count === 0) return buffer.toString('utf8', 0, size)
    size += count
  }
  throw new BryoError('USAGE', `cannot read ${what} from standard input: more than ${MAX_BYTES} bytes`)
}
