import { BryoError } from '../../base/errors.ts'
import { findFlag } from './find.ts'
import type { FlagTable } from './flag.ts'

/** One flag as it was found on the command line. */
export interface Occurrence {
  readonly name: string
  readonly text: string
}

export interface ScanResult {
  readonly occurrences: readonly Occurrence[]
  readonly args: readonly string[]
  /** `--help` was met, or `-h` where no flag claims that letter; nothing behind it was looked at. */
  readonly help: boolean
}

export interface ScanOptions {
  readonly flags: FlagTable
  /** False where everything from the first argument on belongs to the container's command. */
  readonly interspersed: boolean
  /** Shown below an error, e.g. `See 'bryo run --help'`. */
  readonly hint: string
}

/**
 * Tells flags from arguments, with the rules of Podman and Docker: `--flag=value`, `--flag value`, `-it`,
 * `-p80:80`, `-p=80:80`; a switch takes a value only behind `=`; `--` ends the flags; `-` is an argument.
 * @throws BryoError USAGE
 */
export function scanFlags(argv: readonly string[], options: ScanOptions): ScanResult {
  const state: State = { ...options, argv, at: 0, occurrences: [], args: [], help: false }
  while (state.at < argv.length && !state.help) {
    const word = argv[state.at++] ?? ''
    if (word === '--') {
      state.args.push(...argv.slice(state.at))
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      state.args.push(word)
      if (options.interspersed) continue
      state.args.push(...argv.slice(state.at))
      break
    }
    if (word.startsWith('--')) scanLong(state, word)
    else scanShort(state, word)
  }
  return { occurrences: state.occurrences, args: state.args, help: state.help }
}

interface State extends ScanOptions {
  readonly argv: readonly string[]
  at: number
  readonly occurrences: Occurrence[]
  readonly args: string[]
  help: boolean
}

function fail(state: State, message: string): never {
  throw new BryoError('USAGE', message, { hint: state.hint })
}

function scanLong(state: State, word: string): void {
  const equals = word.indexOf('=')
  const typed = word.slice(2, equals === -1 ? undefined : equals)
  if (typed === '' || typed.startsWith('-')) fail(state, `bad flag syntax: ${word}`)
  const found = findFlag(state.flags, typed)
  if (!found) {
    if (typed !== 'help') fail(state, `unknown flag: --${typed}`)
    state.help = true
    return
  }
  const { name, flag } = found
  if (equals !== -1) state.occurrences.push({ name, text: word.slice(equals + 1) })
  else if (flag.placeholder === undefined) state.occurrences.push({ name, text: 'true' })
  else state.occurrences.push({ name, text: nextWord(state, `--${typed}`) })
}

function scanShort(state: State, word: string): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? ''
    const rest = word.slice(at + 1)
    const found = Object.entries(state.flags).find(([, flag]) => flag.short === letter)
    if (!found) {
      if (letter !== 'h') fail(state, `unknown shorthand flag: '${letter}' in -${word.slice(at)}`)
      state.help = true
      return
    }
    const [name, flag] = found
    if (rest.startsWith('=') && rest.length > 1) {
      state.occurrences.push({ name, text: rest.slice(1) })
      return
    }
    if (flag.placeholder === undefined) {
      state.occurrences.push({ name, text: 'true' })
      continue
    }
    state.occurrences.push({
      name,
      text: rest === '' ? nextWord(state, `'${letter}' in -${word.slice(at)}`) : rest,
    })
    return
  }
}

function nextWord(state: State, flag: string): string {
  const word = state.argv[state.at++]
  return word ?? fail(state, `flag needs an argument: ${flag}`)
}
