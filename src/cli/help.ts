import type { Command } from './command.ts'
import { ENTRIES, type Entry, type GroupEntry } from './commandTable.ts'
import { flagLines } from './flags/lines.ts'
import { ROOT_FLAGS } from './globalFlags.ts'

export interface HelpTitle {
  readonly program: string
  readonly path: string
  readonly summary: string
}

/** `bryo --help`. */
export function rootHelp(program: string): string {
  const single = ENTRIES.filter((entry) => entry.kind === 'command')
  const groups = ENTRIES.filter((entry) => entry.kind === 'group')
  return sections([
    'Run containers without root and without a daemon',
    section('Usage', [`${program} [options] COMMAND`]),
    section('Commands', entryLines(single)),
    groups.length === 0 ? '' : section('Groups of commands', entryLines(groups)),
    section('Options', flagLines(ROOT_FLAGS)),
    `'${program} COMMAND --help' tells more about a command.`,
  ])
}

/** `bryo image --help`. */
export function groupHelp(program: string, group: GroupEntry): string {
  return sections([
    group.summary,
    section('Usage', [`${program} ${group.name} COMMAND`]),
    section('Commands', entryLines(group.commands)),
    `'${program} ${group.name} COMMAND --help' tells more about a command.`,
  ])
}

/** `bryo run --help`. */
export function commandHelp(title: HelpTitle, command: Command): string {
  const { program, path, summary } = title
  const examples = (command.examples ?? []).map((line) => `${program} ${line}`)
  return sections([
    summary,
    section('Description', command.description.split('\n')),
    section('Usage', [`${program} ${path} ${command.usage}`.trimEnd()]),
    examples.length === 0 ? '' : section('Examples', examples),
    Object.keys(command.flags).length === 0 ? '' : section('Options', flagLines(command.flags)),
  ])
}

function sections(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function section(title: string, lines: readonly string[]): string {
  return `${title}:\n${lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')}`
}

function entryLines(entries: readonly Entry[]): readonly string[] {
  const width = Math.max(...entries.map(({ name }) => name.length))
  return entries.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`)
}
