import type { Command } from './command.ts'

/** A command by name; its code is loaded when it is called, or asked for its help or completion. */
export interface CommandEntry {
  readonly kind: 'command'
  readonly name: string
  readonly aliases?: readonly string[]
  /** One line, no full stop. */
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** `bryo image ...` */
export interface GroupEntry {
  readonly kind: 'group'
  readonly name: string
  readonly summary: string
  readonly commands: readonly CommandEntry[]
}

export type Entry = CommandEntry | GroupEntry

type Module = Promise<{ readonly command: Command }>

function entry(
  name: string,
  summary: string,
  load: () => Module,
  aliases: readonly string[] = [],
): CommandEntry {
  return { kind: 'command', name, aliases, summary, load: async () => (await load()).command }
}

const completion = entry(
  'completion',
  'Print the completion script for a shell',
  () => import('./commands/completion.ts'),
)
const version = entry('version', 'Show the version', () => import('./commands/version.ts'))

const create = entry('create', 'Make a container without starting it', () => import('./commands/create.ts'))
const ps = entry('ps', 'List containers', () => import('./commands/ps.ts'))
const rm = entry('rm', 'Remove containers', () => import('./commands/rm.ts'))
const run = entry('run', 'Run a command in a new container', () => import('./commands/run.ts'))
const start = entry('start', 'Start a container', () => import('./commands/start.ts'))

/** Every command, in the order of `--help`. */
export const ENTRIES: readonly Entry[] = [completion, create, ps, rm, run, start, version]

/** The entry of `bryo image rm`: undefined where there is none; a group alone is an entry too. */
export function findEntry(path: readonly string[]): Entry | undefined {
  const [first = '', second] = path
  const top = ENTRIES.find((candidate) => isCalled(candidate, first))
  if (second === undefined || top?.kind !== 'group') return top
  return top.commands.find((candidate) => isCalled(candidate, second))
}

function isCalled(candidate: Entry, name: string): boolean {
  if (candidate.name === name) return true
  return candidate.kind === 'command' && (candidate.aliases ?? []).includes(name)
}
