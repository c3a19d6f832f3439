import type { HostFacts } from '../../base/hostFacts.ts'
import type { Command, GlobalOptions } from '../command.ts'
import { ENTRIES, type Entry, findEntry } from '../commandTable.ts'
import { findFlag } from '../flags/find.ts'
import type { Completion, Flag, FlagTable } from '../flags/flag.ts'
import { foldFlags } from '../flags/fold.ts'
import type { Occurrence } from '../flags/scan.ts'
import { GLOBAL_FLAGS, globalOptions, ROOT_FLAGS } from '../globalFlags.ts'
import { writeErr, writeOut } from '../output.ts'
import { completeNames } from './names.ts'
import { type Candidate, DIRECTIVES, type Offer } from './offer.ts'
import { readLine } from './readLine.ts'

const NOTHING: Offer = { candidates: [], directive: 'NoFileComp' }

export interface CompletionCall {
  readonly program: string
  readonly facts: HostFacts
  /** `__complete` shows descriptions, `__completeNoDesc` does not. */
  readonly descriptions: boolean
}

/** Answers a shell: a candidate on each line, then `:` and the directive's number. The last word is the one at the cursor. */
export async function complete(words: readonly string[], call: CompletionCall): Promise<number> {
  const { candidates, directive } = await offer(words, call.facts)
  const lines = candidates.map(({ text, description }) =>
    call.descriptions && description !== undefined ? `${text}\t${description}` : text,
  )
  writeOut(`${[...lines, `:${DIRECTIVES[directive]}`].join('\n')}\n`)
  writeErr(`Completion ended with directive: ShellCompDirective${directive}\n`)
  return 0
}

/** What fits at the cursor. */
export async function offer(words: readonly string[], facts: HostFacts): Promise<Offer> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const root = readLine(before, ROOT_FLAGS, false)
  if (root.pending) return await offerValue(root.pending, typed, { facts, occurrences: root.occurrences })
  const [first, ...rest] = root.args
  if (first === undefined) return await offerTop(typed, root.flagsEnded, facts)
  if (first === 'help') return offerEntries(ENTRIES, rest, typed)
  const top = findEntry([first])
  if (!top) return NOTHING
  if (top.kind === 'command')
    return await offerCommand(await top.load(), rest, typed, { facts, occurrences: root.occurrences })
  const group = readLine(rest, GLOBAL_FLAGS, false)
  const [name, ...args] = group.args
  if (name === undefined) return offerEntries(ENTRIES, [first], typed)
  const found = findEntry([first, name])
  if (found?.kind !== 'command') return NOTHING
  return await offerCommand(await found.load(), args, typed, { facts, occurrences: root.occurrences })
}

interface Surroundings {
  readonly facts: HostFacts
  readonly occurrences: readonly Occurrence[]
}

async function offerTop(typed: string, flagsEnded: boolean, facts: HostFacts): Promise<Offer> {
  if (!flagsEnded && typed.startsWith('-')) {
    return await offerFlags(ROOT_FLAGS, typed, { facts, occurrences: [] })
  }
  return offerEntries(ENTRIES, [], typed)
}

function offerEntries(entries: readonly Entry[], path: readonly string[], typed: string): Offer {
  const [first] = path
  const found = first === undefined ? undefined : entries.find(({ name }) => name === first)
  if (first !== undefined && found?.kind !== 'group') return NOTHING
  const offered = found?.kind === 'group' ? found.commands : entries
  const candidates = offered.map(({ name, summary }) => ({ text: name, description: summary }))
  return { candidates: matching(candidates, typed), directive: 'NoFileComp' }
}

async function offerCommand(
  command: Command,
  words: readonly string[],
  typed: string,
  around: Surroundings,
): Promise<Offer> {
  const flags = { ...GLOBAL_FLAGS, ...command.flags }
  const interspersed = command.interspersed ?? true
  const line = readLine(words, flags, interspersed)
  const surroundings = { ...around, occurrences: [...around.occurrences, ...line.occurrences] }
  if (line.pending) return await offerValue(line.pending, typed, surroundings)
  const flagsOver = line.flagsEnded || (!interspersed && line.args.length > 0)
  if (!flagsOver && typed.startsWith('-')) return await offerFlags(flags, typed, surroundings)
  const { max, completion = { kind: 'none' } } = command.args
  if (max !== undefined && line.args.length >= max) return NOTHING
  // What follows the image is a command line inside the container: the shell's own completion is the best guess.
  if (!interspersed && line.args.length > 0) return { candidates: [], directive: 'Default' }
  return await offerBy(completion, typed, surroundings)
}

async function offerFlags(flags: FlagTable, typed: string, around: Surroundings): Promise<Offer> {
  const equals = typed.indexOf('=')
  if (equals !== -1) {
    const found = findFlag(flags, typed.slice(2, equals))
    return found ? await offerValue(found.flag, typed.slice(equals + 1), around) : NOTHING
  }
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden)
  const candidates = shown.flatMap(([name, flag]): Candidate[] => [
    { text: `--${name}`, description: flag.help },
    ...(flag.short === undefined || typed.startsWith('--')
      ? []
      : [{ text: `-${flag.short}`, description: flag.help }]),
  ])
  return { candidates: matching(candidates, typed), directive: 'NoFileComp' }
}

async function offerValue(flag: Flag<unknown>, typed: string, around: Surroundings): Promise<Offer> {
  return await offerBy(flag.completion, typed, around)
}

async function offerBy(completion: Completion, typed: string, around: Surroundings): Promise<Offer> {
  switch (completion.kind) {
    case 'none':
      return NOTHING
    case 'files':
      return { candidates: [], directive: 'Default' }
    case 'directories':
      return { candidates: [], directive: 'FilterDirs' }
    case 'values':
      return offerWords(completion.values, typed)
    case 'modes': {
      if (!typed.startsWith(OF_CONTAINER))
        return offerWords([...completion.words, OF_CONTAINER, 'ns:'], typed)
      const names = await completeNames(['containers'], around.facts, globals(around.occurrences))
      const candidates = names.map((name) => ({ ...name, text: `${OF_CONTAINER}${name.text}` }))
      return { candidates: matching(candidates, typed), directive: 'NoFileComp' }
    }
    case 'names': {
      const names = await completeNames(completion.of, around.facts, globals(around.occurrences))
      return { candidates: matching(names, typed), directive: 'NoFileComp' }
    }
  }
}

const OF_CONTAINER = 'container:'

function offerWords(words: readonly string[], typed: string): Offer {
  const candidates = matching(
    words.map((text) => ({ text })),
    typed,
  )
  const open = candidates.some(({ text }) => /[:=]$/.test(text))
  return { candidates, directive: open ? 'NoSpace' : 'NoFileComp' }
}

function globals(occurrences: readonly Occurrence[]): GlobalOptions | undefined {
  try {
    return globalOptions(foldFlags(GLOBAL_FLAGS, occurrences, ''))
  } catch {
    // The line is not finished: it may still be wrong.
    return undefined
  }
}

function matching(candidates: readonly Candidate[], typed: string): readonly Candidate[] {
  return candidates
    .filter(({ text }) => text.startsWith(typed))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
}
