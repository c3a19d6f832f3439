import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generatePages, PAGES_DIRECTORY } from '../../scripts/man/generate.ts'
import { pageOf } from '../../scripts/man/pages.ts'
import { ENTRIES } from '../../src/cli/commandTable.ts'
import { GLOBAL_FLAGS, ROOT_FLAGS } from '../../src/cli/globalFlags.ts'
import { OCI_GLOBAL_FLAGS } from '../../src/cli/oci/flags.ts'

const generated = await generatePages()
const files = readdirSync(PAGES_DIRECTORY).filter((name) => name.endsWith('.1'))
const page = (name: string) => readFileSync(new URL(name, PAGES_DIRECTORY), 'utf8')

/** The options that a page's list describes, as the reader sees them. */
function documentedFlags(roff: string): readonly string[] {
  return [...roff.matchAll(/^\.TP\n(?:\\fB\\-\w\\fR, )?\\fB\\-\\-([a-z0-9\\-]+)\\fR/gm)].map((match) =>
    (match[1] ?? '').replaceAll('\\-', '-'),
  )
}

/** Every `--name` in a page, wherever it stands. */
function mentionedFlags(roff: string): readonly string[] {
  const text = roff.replaceAll('\\-', '-').replace(/\\f[BIR]/g, ' ')
  return [...text.matchAll(/(?<![\w-])--([a-z][a-z0-9-]*)/g)].map((match) => match[1] ?? '')
}

async function commandFlags(): Promise<ReadonlyMap<string, readonly string[]>> {
  const flags = new Map<string, readonly string[]>([['bryo.1', Object.keys(ROOT_FLAGS)]])
  for (const entry of ENTRIES) {
    const own = entry.kind === 'group' ? {} : (await entry.load()).flags
    flags.set(`bryo-${entry.name}.1`, Object.keys(own))
    if (entry.kind === 'command') continue
    for (const member of entry.commands) {
      const name = `${pageOf(entry, member)}.1`
      if (!flags.has(name) && name.startsWith(`bryo-${entry.name}-`)) {
        flags.set(name, Object.keys((await member.load()).flags))
      }
    }
  }
  return flags
}

const flagsOfPage = await commandFlags()

function flagsOf(command: unknown): object {
  const isCommand = typeof command === 'object' && command !== null && 'flags' in command
  return isCommand && typeof command.flags === 'object' && command.flags !== null ? command.flags : {}
}

/** The OCI runtime has commands of its own, with a parser of their own. */
async function runtimeFlags(): Promise<readonly string[]> {
  const directory = new URL('../../src/cli/oci/commands/', import.meta.url)
  const tables = await Promise.all(
    readdirSync(directory).map(async (name) => {
      const commands: readonly unknown[] = Object.values(await import(new URL(name, directory).pathname))
      return commands.flatMap((command) => Object.keys(flagsOf(command)))
    }),
  )
  return [...Object.keys(OCI_GLOBAL_FLAGS), ...tables.flat()]
}

/** Options of other programs, in examples. */
const FOREIGN = new Set(['variant', 'owner', 'group', 'map-gw', 'key'])

describe('man pages', () => {
  it('are what scripts/man/run makes of the prose and the option tables', () => {
    const stale = [...generated].filter(([name, text]) => !files.includes(name) || page(name) !== text)
    expect(stale.map(([name]) => name)).toEqual([])
    expect(files.filter((name) => !generated.has(name))).toEqual([])
  })

  it('exist for every command and every group', () => {
    expect([...flagsOfPage.keys()].filter((name) => !files.includes(name))).toEqual([])
  })

  it.each([...flagsOfPage])('%s lists exactly the options of its command', (name, flags) => {
    expect(documentedFlags(page(name)).toSorted()).toEqual(flags.toSorted())
  })

  it('mention no option that there is not', async () => {
    const own = [...flagsOfPage.values()].flat()
    const known = new Set([...own, ...Object.keys(GLOBAL_FLAGS), ...(await runtimeFlags()), 'help'])
    const unknown = files.flatMap((name) =>
      mentionedFlags(page(name))
        .filter((flag) => !known.has(flag) && !FOREIGN.has(flag))
        .map((flag) => `${name}: --${flag}`),
    )
    expect(unknown).toEqual([])
  })

  it('refer to pages of bryo that exist', () => {
    const missing = files.flatMap((name) =>
      [
        ...page(name)
          .replaceAll('\\-', '-')
          .matchAll(/\\fB(bryo[a-z-]*)\\fR\(1\)/g),
      ]
        .map((match) => `${match[1]}.1`)
        .filter((target) => !files.includes(target))
        .map((target) => `${name}: ${target}`),
    )
    expect(missing).toEqual([])
  })

  it('tell of exit status and see-also', () => {
    const lacking = files.filter((name) => !page(name).includes('.SH SEE ALSO'))
    expect(lacking).toEqual([])
  })

  it.skipIf(!existsSync('/usr/bin/man'))(
    'have no fault that man --warnings finds (needs man-db)',
    () => {
      const paths = files.map((name) => new URL(name, PAGES_DIRECTORY).pathname)
      const env = { ...process.env, LC_ALL: 'C.UTF-8', MANROFFOPT: '-ww', MANPAGER: 'cat' }
      const shell = 'man --warnings -l "$@" 2>&1 >/dev/null'
      expect(execFileSync('/bin/sh', ['-c', shell, 'sh', ...paths], { encoding: 'utf8', env })).toBe('')
    },
    120_000,
  )
})
