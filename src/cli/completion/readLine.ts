import { type FoundFlag, findFlag } from '../flags/find.ts'
import type { Flag, FlagTable } from '../flags/flag.ts'
import type { Occurrence } from '../flags/scan.ts'

export interface UnfinishedLine {
  readonly occurrences: readonly Occurrence[]
  readonly args: readonly string[]
  /** The last word is a flag whose value comes next. */
  readonly pending: Flag<unknown> | undefined
  /** `--` was typed. */
  readonly flagsEnded: boolean
}

/** Reads the words before the cursor as `scanFlags` would, but takes nothing amiss. */
export function readLine(words: readonly string[], flags: FlagTable, interspersed: boolean): UnfinishedLine {
  const occurrences: Occurrence[] = []
  const args: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--')
      return { occurrences, args: [...args, ...words.slice(at + 1)], pending: undefined, flagsEnded: true }
    if (word === '-' || !word.startsWith('-')) {
      if (!interspersed) return { occurrences, args: words.slice(at), pending: undefined, flagsEnded: false }
      args.push(word)
      continue
    }
    const waiting = waitingFlag(word, flags)
    if (waiting === undefined) continue
    const value = words[at + 1]
    if (value === undefined) return { occurrences, args, pending: waiting.flag, flagsEnded: false }
    occurrences.push({ name: waiting.name, text: value })
    at += 1
  }
  return { occurrences, args, pending: undefined, flagsEnded: false }
}

/** The flag of this word that takes the next word as its value. */
function waitingFlag(word: string, flags: FlagTable): FoundFlag | undefined {
  if (word.startsWith('--')) {
    const found = findFlag(flags, word.slice(2))
    return found?.flag.placeholder === undefined ? undefined : found
  }
  for (let at = 1; at < word.length; at++) {
    const found = Object.entries(flags).find(([, flag]) => flag.short === word[at])
    if (!found) return undefined
    const [name, flag] = found
    if (flag.placeholder !== undefined) return at === word.length - 1 ? { name, flag } : undefined
  }
  return undefined
}
