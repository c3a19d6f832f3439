import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findEntry } from '../../src/cli/commandTable.ts'
import { GLOBAL_FLAGS } from '../../src/cli/globalFlags.ts'

const ROOT = new URL('../../', import.meta.url)

const DOCUMENTS = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'],
  ...readdirSync(new URL('docs/', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

const read = (name: string) => readFileSync(new URL(name, ROOT), 'utf8')

function withoutExamples(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, '')
}

/** The anchors that a page's titles get. */
function anchors(markdown: string): readonly string[] {
  return [...withoutExamples(markdown).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Links and `src/...` paths in code spans that lead nowhere; NAME stands for any name. */
function brokenTargets(name: string): readonly string[] {
  const text = withoutExamples(read(name))
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  const broken = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? new URL(name, ROOT) : new URL(path, new URL(name, ROOT))
      if (!existsSync(target)) return true
      return anchor !== undefined && !anchors(readFileSync(target, 'utf8')).includes(anchor)
    })
  const paths = [...text.matchAll(/`((?:src|test|scripts|man|share|bin|docs|bench)\/[\w./-]+)`/g)]
    .map((match) => match[1] ?? '')
    .filter((path) => !path.includes('NAME') && !existsSync(new URL(path, ROOT)))
  return [...broken, ...paths].map((target) => `${name}: ${target}`)
}

/** Command lines of the README's examples: what stands behind `bryo` at a prompt. */
function commandLines(): readonly string[] {
  const prompts = [...read('README.md').matchAll(/^\$ (.*)$/gm)].map((match) => match[1] ?? '')
  return prompts.flatMap((line) => /(?:^|\| )bryo (\S.*)$/.exec(line)?.[1] ?? [])
}

describe('documents', () => {
  it.each(DOCUMENTS)('%s has only links and paths that lead somewhere', (name) => {
    expect(brokenTargets(name)).toEqual([])
  })
})

describe('README', () => {
  it('shows commands at work', () => {
    expect(commandLines().length).toBeGreaterThan(5)
  })

  it.each(commandLines())('names a command and options that exist: bryo %s', async (line) => {
    const words = line.split(/\s+/)
    const entry = findEntry(words.slice(0, 1))
    expect(entry, `command of "${line}"`).toBeDefined()
    if (entry?.kind !== 'command') return
    const { flags } = await entry.load()
    const given = words.slice(1).flatMap((word) => /^--([a-z0-9-]+)/.exec(word)?.[1] ?? [])
    const known = new Set([...Object.keys(flags), ...Object.keys(GLOBAL_FLAGS), 'help'])
    expect(given.filter((name) => !known.has(name))).toEqual([])
  })
})
