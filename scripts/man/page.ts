import { VERSION } from '../../src/base/version.ts'
import type { Flag, FlagTable } from '../../src/cli/flags/flag.ts'
import type { PageProse, Section } from './prose.ts'
import { escapeText, example, inline, prose } from './roff.ts'

/** All of a page that comes from the program itself. */
export interface PageFacts {
  /** `bryo-run`. */
  readonly name: string
  /** One line, no full stop. */
  readonly summary: string
  /** Command lines: `bryo run [options] IMAGE`. */
  readonly synopsis: readonly string[]
  readonly flags: FlagTable
  /** `bryo run --rm -it alpine sh`. */
  readonly examples: readonly string[]
  /** Of a group: its commands and the pages that tell of them. */
  readonly commands: readonly { readonly name: string; readonly summary: string; readonly page: string }[]
}

/** A page for man(1), as roff. @throws an Error where the prose is about an option that there is not */
export function renderPage(facts: PageFacts, text: PageProse): string {
  const unknown = [...text.notes.keys()].find((name) => !Object.hasOwn(facts.flags, name))
  if (unknown !== undefined)
    throw new Error(`${facts.name}: the prose is about --${unknown}, which is no option`)
  const lines = [
    `.\\" Made by scripts/man from docs/man/${facts.name}.md and the option tables: change those.`,
    `.TH ${facts.name.toUpperCase().replaceAll('-', '\\-')} 1 "" "bryo ${VERSION}" "bryo manual"`,
    '.SH NAME',
    `${escapeText(facts.name)} \\- ${escapeText(lowerFirst(facts.summary))}`,
    '.SH SYNOPSIS',
    ...facts.synopsis.flatMap((line, index) => [...(index > 0 ? ['.br'] : []), synopsisLine(line)]),
    ...text.sections.flatMap((section) => sectionLines(section, facts, text)),
  ]
  return `${lines.join('\n')}\n`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** The words up to the first placeholder are typed as they are. */
function synopsisLine(line: string): string {
  const [, command = '', rest = ''] = /^((?:[a-z][a-z-]* ?)+)(.*)$/.exec(line) ?? []
  const placeholders = rest.replace(/[A-Z]{2,}|options/g, (word) => `*${word}*`).replace(/--[a-z]+/g, '`$&`')
  return `\\fB${escapeText(command.trim())}\\fR${rest === '' ? '' : ` ${inline(placeholders)}`}`
}

function sectionLines(section: Section, facts: PageFacts, text: PageProse): readonly string[] {
  return [
    `.SH ${section.title}`,
    ...prose(section.text),
    ...generated(section.title, facts, text),
    ...section.subsections.flatMap((sub) => [`.SS ${inline(sub.title)}`, ...prose(sub.text)]),
  ]
}

function generated(title: string, facts: PageFacts, text: PageProse): readonly string[] {
  switch (title) {
    case 'OPTIONS':
      return optionLines(facts.flags, text.notes)
    case 'COMMANDS':
      return facts.commands.flatMap(({ name, summary, page }) => [
        '.TP',
        `\\fB${escapeText(name)}\\fR`,
        `${escapeText(summary)}: \\fB${escapeText(page)}\\fR(1).`,
      ])
    case 'EXAMPLES':
      return facts.examples.length === 0 ? [] : ['.PP', ...example(facts.examples.map((line) => `$ ${line}`))]
    default:
      return []
  }
}

/** The options as `--help` has them, sorted by name, each with its further words. */
function optionLines(flags: FlagTable, notes: ReadonlyMap<string, string>): readonly string[] {
  return Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, flag]) => [
      '.TP',
      optionHead(name, flag),
      `${sentence(flag.help)}${flag.defaultText === undefined ? '' : ` The default is ${escapeText(flag.defaultText)}.`}`,
      ...prose(notes.get(name) ?? '', '.IP'),
    ])
}

function optionHead(name: string, flag: Flag<unknown>): string {
  const short = flag.short === undefined ? '' : `\\fB\\-${flag.short}\\fR, `
  const value = flag.placeholder === undefined ? '' : ` \\fI${escapeText(flag.placeholder)}\\fR`
  return `${short}\\fB\\-\\-${escapeText(name)}\\fR${value}`
}

function sentence(help: string): string {
  return `${escapeText(help)}${/[.)]$/.test(help) ? '' : '.'}`
}
