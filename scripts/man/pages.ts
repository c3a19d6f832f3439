import type { Command } from '../../src/cli/command.ts'
import { type CommandEntry, ENTRIES, type GroupEntry } from '../../src/cli/commandTable.ts'
import { ROOT_FLAGS } from '../../src/cli/globalFlags.ts'
import type { PageFacts } from './page.ts'

const PROGRAM = 'bryo'

/** One page for the program, each command and each group. */
export async function allPages(): Promise<readonly PageFacts[]> {
  const commands = ENTRIES.filter((entry) => entry.kind === 'command')
  const groups = ENTRIES.filter((entry) => entry.kind === 'group')
  const members = groups.flatMap((group) =>
    group.commands
      .filter((member) => pageOf(group, member) === ownPage(group, member))
      .map((member) => ({ group, member })),
  )
  return [
    programPage(),
    ...(await Promise.all(commands.map(async (entry) => commandPage(entry, await entry.load())))),
    ...(await Promise.all(
      members.map(async ({ group, member }) => memberPage(group, member, await member.load())),
    )),
    ...groups.map(groupPage),
  ]
}

function programPage(): PageFacts {
  return {
    name: PROGRAM,
    summary: 'Run containers without root and without a daemon',
    synopsis: [`${PROGRAM} [options] COMMAND [ARG...]`],
    flags: ROOT_FLAGS,
    examples: [],
    commands: ENTRIES.map(({ name, summary }) => ({ name, summary, page: `${PROGRAM}-${name}` })),
  }
}

function commandPage(entry: CommandEntry, command: Command): PageFacts {
  const { name, summary } = entry
  const groups = ENTRIES.filter((group) => group.kind === 'group')
  const others = groups.flatMap((group) =>
    group.commands
      .filter((member) => pageOf(group, member) === `${PROGRAM}-${name}`)
      .map((member) => `${group.name} ${member.name}`),
  )
  return {
    name: `${PROGRAM}-${name}`,
    summary,
    synopsis: [name, ...others].map((path) => `${PROGRAM} ${path} ${command.usage}`.trimEnd()),
    flags: command.flags,
    examples: (command.examples ?? []).map((line) => `${PROGRAM} ${line}`),
    commands: [],
  }
}

function memberPage(group: GroupEntry, member: CommandEntry, command: Command): PageFacts {
  return {
    name: ownPage(group, member),
    summary: member.summary,
    synopsis: [`${PROGRAM} ${group.name} ${member.name} ${command.usage}`.trimEnd()],
    flags: command.flags,
    examples: (command.examples ?? []).map((line) => `${PROGRAM} ${line}`),
    commands: [],
  }
}

function groupPage(group: GroupEntry): PageFacts {
  return {
    name: `${PROGRAM}-${group.name}`,
    summary: group.summary,
    synopsis: [`${PROGRAM} ${group.name} COMMAND [ARG...]`],
    flags: {},
    examples: [],
    commands: group.commands.map((entry) => ({ ...entry, page: pageOf(group, entry) })),
  }
}

/** A group's command is told of where the same command stands alone, or where its entry says; else on a page of its own. */
export function pageOf(group: GroupEntry, member: CommandEntry): string {
  const alone = ENTRIES.filter((entry) => entry.kind === 'command')
  const name = member.page ?? alone.find((entry) => entry.load === member.load)?.name
  return name === undefined ? ownPage(group, member) : `${PROGRAM}-${name}`
}

function ownPage(group: GroupEntry, member: CommandEntry): string {
  return `${PROGRAM}-${group.name}-${member.name}`
}
