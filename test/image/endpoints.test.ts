import { describe, expect, it } from 'vitest'
import { formatReference, parseReference } from '../../src/image/reference.ts'
import {
  pullEndpoints,
  type RegistriesConfig,
  type RegistryRule,
  resolveName,
} from '../../src/image/registry/endpoints.ts'

function rule(given: Partial<RegistryRule>): RegistryRule {
  const none = { location: undefined, insecure: false, blocked: false, mirrors: [], source: 'a.conf' }
  return { prefix: 'x', ...none, ...given }
}

function endpoints(rules: readonly RegistryRule[], text: string): readonly string[] {
  const config: RegistriesConfig = { ...NO_REGISTRIES, rules }
  return pullEndpoints(config, parseReference(text)).map(
    ({ reference, insecure }) => `${formatReference(reference)}${insecure ? ' insecure' : ''}`,
  )
}

const DIGEST = `sha256:${'a'.repeat(64)}`

const NO_REGISTRIES: RegistriesConfig = { rules: [], aliases: {}, credentialHelpers: [] }

describe('pullEndpoints()', () => {
  it('is the registry itself where nothing is said of it', () => {
    expect(endpoints([], 'reg.example/a:1')).toEqual(['reg.example/a:1'])
    expect(endpoints([rule({ prefix: 'other.example' })], 'reg.example/a:1')).toEqual(['reg.example/a:1'])
  })

  it.each([
    ['reg.example', 'reg.example/a/b:1', true],
    ['reg.example/a', 'reg.example/a/b:1', true],
    ['reg.example/a/b', 'reg.example/a/b:1', true],
    ['reg.example/a/b:1', 'reg.example/a/b:1', true],
    ['reg.example/a/bb', 'reg.example/a/b:1', false],
    ['reg.exampl', 'reg.example/a:1', false],
    ['reg.example:5000', 'reg.example:5000/a:1', true],
    ['*.example', 'reg.example/a:1', true],
    ['*.example', 'a.reg.example/a:1', true],
    ['*.example', 'example/a:1', false],
    ['*.example', 'reg.example.org/a:1', false],
  ])('%s holds for %s: %s', (prefix, text, holds) => {
    expect(endpoints([rule({ prefix, insecure: true })], text)[0]?.endsWith(' insecure')).toBe(holds)
  })

  it('takes the longest prefix', () => {
    const rules = [
      rule({ prefix: 'reg.example' }),
      rule({ prefix: 'reg.example/a', location: 'own.example/z' }),
    ]
    expect(endpoints(rules, 'reg.example/a/b:1')).toEqual(['own.example/z/b:1'])
    expect(endpoints(rules, 'reg.example/c:1')).toEqual(['reg.example/c:1'])
  })

  it('asks mirrors first, each for what it serves', () => {
    const mirrors = [
      { location: 'm1.example/hub', insecure: true, serves: 'all' },
      { location: 'm2.example', insecure: false, serves: 'digest-only' },
      { location: 'm3.example', insecure: false, serves: 'tag-only' },
    ] as const
    const rules = [rule({ prefix: 'docker.io', mirrors })]
    expect(endpoints(rules, 'alpine')).toEqual([
      'm1.example/hub/library/alpine:latest insecure',
      'm3.example/library/alpine:latest',
      'docker.io/library/alpine:latest',
    ])
    expect(endpoints(rules, `alpine@${DIGEST}`)).toEqual([
      `m1.example/hub/library/alpine@${DIGEST} insecure`,
      `m2.example/library/alpine@${DIGEST}`,
      `docker.io/library/alpine@${DIGEST}`,
    ])
  })

  it('refuses what is blocked, and names the file', () => {
    expect(() => endpoints([rule({ prefix: 'reg.example', blocked: true })], 'reg.example/a')).toThrow(
      'cannot use registry "reg.example": it is blocked in "a.conf"',
    )
  })
})

describe('resolveName()', () => {
  const config = { ...NO_REGISTRIES, aliases: { tool: 'reg.example/team/tool' } }

  it.each([
    ['tool', 'reg.example/team/tool:latest'],
    ['tool:2', 'reg.example/team/tool:2'],
    [`tool@${DIGEST}`, `reg.example/team/tool@${DIGEST}`],
    ['alpine', 'docker.io/library/alpine:latest'],
    ['localhost/tool', 'localhost/tool:latest'],
    ['constructor', 'docker.io/library/constructor:latest'],
  ])('%s means %s', (text, full) => {
    expect(formatReference(resolveName(config, text))).toBe(full)
  })
})
