import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('../../', import.meta.url)

describe('docs/security.md', () => {
  it('names each attack that is tested, and no other', () => {
    const page = readFileSync(new URL('docs/security.md', ROOT), 'utf8')
    const section = page.slice(
      page.indexOf('## How it is tested'),
      page.indexOf('## What they do not protect'),
    )
    const named = [...section.matchAll(/`([a-z0-9-]+)`/g)].map((match) => match[1])
    const tests = readdirSync(new URL('test/security/', ROOT))
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => name.replace('.test.ts', ''))
    expect(tests.filter((name) => !named.includes(name))).toEqual([])
    expect(named.filter((name) => /^cve-/.test(name ?? '') && !tests.includes(name ?? ''))).toEqual([])
  })
})
