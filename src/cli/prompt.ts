import { BryoError } from '../base/errors.ts'
import { isTerminal, makeRaw, restoreTerminal } from '../syscall/tty.ts'
import { writeErr } from './output.ts'

const STDIN = 0
const INTERRUPT = 3
const END = 4
const BACKSPACES: readonly (number | undefined)[] = [0x08, 0x7f]
const LINE_ENDS: readonly (number | undefined)[] = [0x0a, 0x0d]

/**
 * Asks the person at the terminal for a line.
 * @throws BryoError USAGE where standard input is no terminal, or ctrl-c is pressed
 */
export function ask(question: string, { echo }: { readonly echo: boolean }): string {
  if (!isTerminal(STDIN)) {
    throw new BryoError(
      'USAGE',
      `cannot ask for "${question.replace(/\W+$/, '')}": standard input is no terminal`,
      {
        hint: 'use --username and --password-stdin',
      },
    )
  }
  writeErr(question)
  if (echo) return readLine()
  const settings = makeRaw(STDIN)
  try {
    return readLine()
  } finally {
    restoreTerminal(STDIN, settings)
    writeErr('\n')
  }
}

/** A byte at a time, with what a raw terminal leaves to its reader. */
function readLine(): string {
  const { readSync } = process.getBuiltinModule('node:fs')
  const byte = Buffer.alloc(1)
  const bytes: number[] = []
  while (readSync(STDIN, byte, 0, 1, null) === 1) {
    const [value = 0] = byte
    if (LINE_ENDS.includes(value) || value === END) break
    if (value === INTERRUPT) throw new BryoError('USAGE', 'cannot log in: interrupted')
    if (BACKSPACES.includes(value)) bytes.pop()
    else bytes.push(value)
  }
  return Buffer.from(bytes).toString('utf8')
}
