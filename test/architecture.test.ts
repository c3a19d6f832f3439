import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ENTRIES } from '../src/cli/commandTable.ts'
import { offer } from '../src/cli/completion/complete.ts'
import { GLOBAL_FLAGS } from '../src/cli/globalFlags.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const MAX_LINES = 400

/** Rooms from left to right; those of one row never import each other, and none imports to its left. */
const ROWS = [
  ['cli'],
  ['api', 'systemd'],
  ['engine'],
  ['image', 'storage', 'userns', 'netns', 'cgroup', 'runtime', 'monitor'],
  ['syscall'],
  ['base'],
] as const
const ROW_OF = new Map<string, number>(
  ROWS.flatMap((rooms, row) => rooms.map((room) => [room, row] as const)),
)

/** Packages, and the one room that may import them. */
const PACKAGE_ROOMS: Readonly<Record<string, string>> = {
  koffi: 'syscall',
  chalk: 'cli',
  ini: 'engine',
  'smol-toml': 'engine',
}

interface SourceFile {
  /** From the project's root. */
  readonly path: string
  readonly room: string
  readonly text: string
  /** Without comments, strings emptied. */
  readonly code: string
  readonly imports: readonly string[]
}

function sourceFiles(): readonly SourceFile[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join('src', name)
      const text = readFileSync(join(ROOT, path), 'utf8')
      return { path, room: name.split('/')[0] ?? '', text, code: codeOf(text), imports: importsOf(text) }
    })
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|\n)import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].flatMap((match) => match[1] ?? match[2] ?? match[3] ?? [])
}

const QUIET = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g

function codeOf(text: string): string {
  return text.replace(QUIET, (match) => (match.startsWith('/') ? ' ' : "''"))
}

/** The file that a relative import means, from the project's root. */
function target(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return relative(ROOT, join(ROOT, dirname(file.path), specifier))
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

const FILES = sourceFiles()

describe('rooms', () => {
  it('are the ones of the design', () => {
    expect(FILES.map(({ room }) => room).filter((room) => !ROW_OF.has(room))).toEqual([])
  })

  it('import only rooms to their right', () => {
    const wrong = FILES.flatMap((file) =>
      file.imports.flatMap((specifier) => {
        const path = target(file, specifier)
        if (path === undefined || roomOf(path) === file.room) return []
        const [from = -1, to = -1] = [ROW_OF.get(file.room), ROW_OF.get(roomOf(path))]
        return to > from ? [] : [`${file.path} imports ${path}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  it('import files by their whole name, and only such as exist', () => {
    const missing = FILES.flatMap((file) =>
      file.imports.flatMap((specifier) => {
        const path = target(file, specifier)
        return path === undefined || existsSync(join(ROOT, path)) ? [] : [`${file.path} imports ${specifier}`]
      }),
    )
    expect(missing).toEqual([])
  })

  it('have no cycles between files', () => {
    expect(findCycles()).toEqual([])
  })

  it('import Node’s modules as such, and each package in its room', () => {
    const wrong = FILES.flatMap((file) =>
      file.imports.flatMap((specifier) => {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) return []
        return PACKAGE_ROOMS[specifier] === file.room ? [] : [`${file.path} imports ${specifier}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  it('load native code in src/syscall alone', () => {
    const users = FILES.filter(({ text }) => /\bcreateRequire\b|koffi\.node|process\.dlopen/.test(text))
    expect(users.map(({ room }) => room).filter((room) => room !== 'syscall')).toEqual([])
  })

  it('leave output and the end of the process to the command line', () => {
    const wrong = FILES.filter(
      ({ room, code }) => room !== 'cli' && /\bconsole\.|\bprocess\.(?:exit|stdout|stderr)\b/.test(code),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})

describe('files', () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = FILES.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
  })

  it('that run after a fork are synchronous and silent', () => {
    const asynchronous =
      /\basync\b|\bawait\b|\bPromise\b|\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bnextTick\b|\bconsole\.|\bprocess\.(?:stdout|stderr|stdin)\b/
    const staged = FILES.filter(({ path }) => path.includes('/stage/'))
    expect(staged.length).toBeGreaterThan(0)
    expect(staged.filter(({ code }) => asynchronous.test(code)).map(({ path }) => path)).toEqual([])
  })
})

/** Each cycle once, as the files along it. */
function findCycles(): readonly string[] {
  const edges = new Map(
    FILES.map((file) => [file.path, file.imports.flatMap((name) => target(file, name) ?? [])]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at !== -1) cycles.push([...trail.slice(at), path].join(' -> '))
    if (at !== -1 || done.has(path)) return
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return cycles
}

/** Names of all commands as a user writes them: `run`, `image ls`. */
const COMMANDS = ENTRIES.flatMap((entry) =>
  entry.kind === 'command' ? [entry.name] : entry.commands.map(({ name }) => `${entry.name} ${name}`),
)

/** The top-level commands, which have a page each; a group's commands share the pages of their twins. */
const PAGES = ENTRIES.map(({ name }) => name)

function manPage(name: string): string | undefined {
  const files = [`man/bryo-${name}.1`, `man/bryo-${name}.1.md`].map((file) => join(ROOT, file))
  const found = files.find((file) => existsSync(file))
  return found && readFileSync(found, 'utf8').replace(/\\-/g, '-')
}

describe('commands', () => {
  it('are known to completion and have a summary', async () => {
    const facts = { uid: 1, gid: 1, env: {}, cwd: '/', runtimeEnv: {}, debug: false }
    for (const command of COMMANDS) {
      const { candidates } = await offer(command.split(' '), facts)
      expect(candidates).toContainEqual({
        text: command.split(' ').at(-1),
        description: expect.stringMatching(/^[A-Z].*[^.]$/),
      })
    }
  })

  it('have names of their own', () => {
    const names = ENTRIES.flatMap((entry) => [
      entry.name,
      ...(entry.kind === 'command' ? (entry.aliases ?? []) : []),
    ])
    expect(names).toEqual([...new Set(names)])
  })

  it('have flags with help in one style, none of which hides a global one', async () => {
    for (const entry of ENTRIES) {
      if (entry.kind === 'group') continue
      const { flags } = await entry.load()
      expect(Object.keys(flags).filter((name) => Object.hasOwn(GLOBAL_FLAGS, name))).toEqual([])
      for (const [name, flag] of Object.entries(flags)) {
        expect(`${entry.name} --${name}: ${flag.help}`).toMatch(/: [A-Z](?:.*[^.])$/)
        expect(name).toMatch(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
        if (flag.short !== undefined) expect(flag.short).toMatch(/^[a-zA-Z]$/)
      }
    }
  })

  it('have a man page that names each of their flags', async () => {
    const missing: string[] = []
    for (const entry of ENTRIES) {
      const page = manPage(entry.name)
      if (page === undefined) missing.push(`man/bryo-${entry.name}.1`)
      if (page === undefined || entry.kind === 'group') continue
      const { flags } = await entry.load()
      for (const name of Object.keys(flags)) {
        if (!new RegExp(`--${name}(?![a-z0-9-])`).test(page))
          missing.push(`man/bryo-${entry.name}.1: --${name}`)
      }
    }
    expect(missing).toEqual([])
  })

  it('are named in the changelog', () => {
    const file = join(ROOT, 'CHANGELOG.md')
    const changelog = existsSync(file) ? readFileSync(file, 'utf8') : ''
    expect(PAGES.filter((name) => !new RegExp(`\\b${name}\\b`).test(changelog))).toEqual([])
  })
})
