import type { Command } from './command.ts'

/** A command by name; its code is loaded when it is called, or asked for its help or completion. */
export interface CommandEntry {
  readonly kind: 'command'
  readonly name: string
  readonly aliases?: readonly string[]
  /** One line, no full stop. */
  readonly summary: string
  /** The command whose man page tells of this one of a group, where it has no page of its own and is another command. */
  readonly page?: string
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

export function entry(
  name: string,
  summary: string,
  load: () => Module,
  aliases: readonly string[] = [],
): CommandEntry {
  return { kind: 'command', name, aliases, summary, load: async () => (await load()).command }
}

/** Whether it is called by this name, or by another one that it has. */
export function isCalled(candidate: Entry, name: string): boolean {
  if (candidate.name === name) return true
  return candidate.kind === 'command' && (candidate.aliases ?? []).includes(name)
}
