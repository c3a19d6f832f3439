import { describe, expect, it } from 'vitest'
import { parseDeb822, parseLines } from '../../src/engine/image/aptSources.ts'
import { debstrapArguments, parseDistribution, planSources } from '../../src/engine/image/bootstrapPlan.ts'

const DEB822 = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://other.example/debian
Suites: bookworm
Components: main
Enabled: no
`
const bookworm = { name: 'debian', suite: 'bookworm', slim: false } as const

describe('parseDistribution()', () => {
  it('knows releases by name and by number', () => {
    expect(parseDistribution('debian:bookworm')).toEqual(bookworm)
    expect(parseDistribution('debian:12-slim')).toEqual({ ...bookworm, slim: true })
    expect(parseDistribution('debian')).toEqual({ ...bookworm, suite: 'stable' })
    expect(parseDistribution('ubuntu:24.04')).toEqual({ name: 'ubuntu', suite: 'noble', slim: false })
    expect(parseDistribution('busybox')).toBeUndefined()
    expect(() => parseDistribution('debian:99')).toThrow('"99" is no release')
    expect(() => parseDistribution('ubuntu')).toThrow('is no release')
  })
})

describe('planSources()', () => {
  const sources = parseDeb822(DEB822)
  const choice = { mirror: undefined, keyring: undefined, sources, exists: () => true }

  it("takes the mirror of the host's apt, with the updates that the host gets", () => {
    expect(planSources(bookworm, choice)).toEqual([
      'deb [signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main',
      'deb [signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm-updates main',
      'deb [signed-by=/keys/debian.gpg] http://mirror.example/debian-security bookworm-security main',
    ])
    expect(planSources({ ...bookworm, suite: 'trixie' }, choice)).toHaveLength(1)
  })

  it('asks nobody but the mirror that was named', () => {
    expect(planSources(bookworm, { ...choice, mirror: 'http://mine.example/d' })).toEqual([
      'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mine.example/d bookworm main',
    ])
  })

  it('names what is missing', () => {
    const ubuntu = { name: 'ubuntu', suite: 'noble', slim: false } as const
    expect(() => planSources(ubuntu, choice)).toThrow('has no mirror of it')
    expect(() => planSources(bookworm, { ...choice, exists: () => false })).toThrow('/keys/debian.gpg')
  })
})

describe('parseLines()', () => {
  it('reads the old form', () => {
    const text =
      '# x\ndeb [arch=amd64 signed-by=/k.gpg] http://a/debian bookworm main contrib # y\ndeb-src http://a b c\n'
    expect(parseLines(text)).toEqual([
      { uri: 'http://a/debian', suites: ['bookworm'], components: ['main', 'contrib'], signedBy: '/k.gpg' },
    ])
  })
})

describe('debstrapArguments()', () => {
  it('depends on what the user may do', () => {
    const options = { variant: 'minbase', include: ['curl', 'git'], quiet: true }
    const argv = debstrapArguments(bookworm, ['deb x'], { ...options, hasSubordinateIds: true })
    expect(argv).toContain('--mode=unshare')
    expect(argv.slice(-3)).toEqual(['bookworm', '-', 'deb x'])
    expect(argv).toContain('--include=curl,git')
    expect(debstrapArguments(bookworm, [], { ...options, hasSubordinateIds: false })).toContain(
      '--mode=fakechroot',
    )
  })
})
