import { BryoError } from '../base/errors.ts'
import { writeOut } from './output.ts'

/**
 * Shows what is about to happen, and asks on standard input.
 * @returns whether the answer is yes
 * @throws BryoError USAGE where standard input ends without an answer
 */
export function confirm(warning: string): boolean {
  writeOut(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `)
  const answer = readLine()
  if (answer !== undefined) return /^y(?:es)?$/i.test(answer.trim())
  writeOut('\n')
  throw new BryoError('USAGE', 'EOF', { hint: 'nobody answers: --force does it without a question' })
}

/** undefined where the input has ended. A byte at a time: what follows the line is somebody else's. */
function readLine(): string | undefined {
  const { readSync } = process.getBuiltinModule('node:fs')
  const byte = Buffer.alloc(1)
  const bytes: number[] = []
  while (readSync(0, byte, 0, 1, null) === 1) {
    const [value = 0] = byte
    if (value === 0x0a) return Buffer.from(bytes).toString('utf8')
    bytes.push(value)
  }
  return bytes.length === 0 ? undefined : Buffer.from(bytes).toString('utf8')
}
