import { type IdRange, isRange, LAST_ID, rangesOverlap } from './ranges.ts'

export interface SubidEntry extends IdRange {
  /** A login name, or a user id in digits. */
  readonly owner: string
}

export interface MalformedLine {
  /** From 1. */
  readonly line: number
  readonly text: string
}

export interface SubidFile {
  readonly entries: readonly SubidEntry[]
  readonly malformed: readonly MalformedLine[]
}

const ENTRY = /^([^:]+):(\d{1,10}):(\d{1,10})$/

/** One line of the file; undefined where newuidmap would skip it. @see subuid(5) */
function parseSubidLine(line: string): SubidEntry | undefined {
  const [, owner, start, count] = ENTRY.exec(line) ?? []
  if (owner === undefined) return undefined
  const entry = { owner, start: Number(start), count: Number(count) }
  return isRange(entry) ? entry : undefined
}

/** Every line of /etc/subuid or /etc/subgid. Empty lines and comments are no entries and no faults. */
export function parseSubidFile(text: string): SubidFile {
  const entries: SubidEntry[] = []
  const malformed: MalformedLine[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    const entry = parseSubidLine(line)
    if (entry) entries.push(entry)
    else malformed.push({ line: index + 1, text: line })
  }
  return { entries, malformed }
}

export interface OwnRanges {
  readonly ranges: readonly IdRange[]
  /** Lines that name the owner and grant nothing. */
  readonly malformed: readonly MalformedLine[]
}

/**
 * The ranges of one user, in the order of the file. Looks at that user's lines only: such files have tens of
 * thousands of lines on shared hosts.
 * @param owners the names by which the user is known: the login name and the user id in digits
 */
export function ownRanges(text: string, owners: readonly string[]): OwnRanges {
  const found = [...new Set(owners)].flatMap((owner) => linesStartingWith(text, `${owner}:`))
  const ranges: IdRange[] = []
  const malformed: MalformedLine[] = []
  for (const { at, line } of found.sort((a, b) => a.at - b.at)) {
    const entry = parseSubidLine(line)
    if (entry) ranges.push({ start: entry.start, count: entry.count })
    else malformed.push({ line: text.slice(0, at).split('\n').length, text: line })
  }
  return { ranges, malformed }
}

function linesStartingWith(text: string, prefix: string): { readonly at: number; readonly line: string }[] {
  const lines = []
  for (let at = text.indexOf(prefix); at !== -1; at = text.indexOf(prefix, at + 1)) {
    if (at !== 0 && text[at - 1] !== '\n') continue
    const end = text.indexOf('\n', at)
    lines.push({ at, line: text.slice(at, end === -1 ? undefined : end) })
  }
  return lines
}

const FIRST_SUBORDINATE_ID = 100000

/**
 * The first start of `count` ids that no entry holds, from where login.defs(5) starts to give them out;
 * undefined where there is no such place.
 */
export function findFreeRange(entries: readonly IdRange[], count: number): number | undefined {
  const inUse = entries.toSorted((a, b) => a.start - b.start)
  let start = FIRST_SUBORDINATE_ID
  for (const entry of inUse) {
    if (rangesOverlap(entry, { start, count })) start = entry.start + entry.count
  }
  return start + count - 1 <= LAST_ID ? start : undefined
}
