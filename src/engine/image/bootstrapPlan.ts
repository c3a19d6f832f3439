import { BryoError } from '../../base/errors.ts'
import type { AptSource } from './aptSources.ts'

/** A distribution that mmdebstrap(1) can make. */
export interface Distribution {
  readonly name: 'debian' | 'ubuntu'
  readonly suite: string
  readonly slim: boolean
}

const VERSIONS: Readonly<Record<Distribution['name'], Readonly<Record<string, string>>>> = {
  debian: { latest: 'stable', '10': 'buster', '11': 'bullseye', '12': 'bookworm', '13': 'trixie' },
  ubuntu: { '20.04': 'focal', '22.04': 'jammy', '24.04': 'noble', '26.04': 'resolute' },
}
const SLIM = /-slim$/

/** `debian:12-slim`; undefined for what names no distribution. @throws BryoError USAGE */
export function parseDistribution(text: string): Distribution | undefined {
  const [, name, version = 'latest'] = /^(debian|ubuntu)(?::([A-Za-z0-9.-]+))?$/.exec(text) ?? []
  if (name !== 'debian' && name !== 'ubuntu') return undefined
  const bare = version.replace(SLIM, '')
  const suite = VERSIONS[name][bare] ?? bare
  if (!/^[a-z]+$/.test(suite) || suite === 'latest') {
    throw new BryoError(
      'USAGE',
      `cannot bootstrap "${text}": "${version}" is no release, expected one such as ${name}:${name === 'debian' ? 'bookworm' : 'noble'}`,
    )
  }
  return { name, suite, slim: SLIM.test(version) }
}

export interface MirrorChoice {
  /** `--mirror`. */
  readonly mirror: string | undefined
  /** `--keyring`. */
  readonly keyring: string | undefined
  readonly sources: readonly AptSource[]
  readonly exists: (path: string) => boolean
}

const COMPONENTS = { debian: ['main'], ubuntu: ['main', 'universe'] } as const

/**
 * The lines for apt: of the mirror that the user named, or of the host's own for this distribution. No other place is ever asked. Pure.
 * @throws BryoError USAGE where no mirror is known, TOOL_MISSING where the keys of the distribution are
 */
export function planSources(distribution: Distribution, choice: MirrorChoice): readonly string[] {
  const { name, suite } = distribution
  const own = choice.mirror === undefined ? choice.sources.filter((source) => isOf(source, name)) : []
  const mirror = choice.mirror ?? own[0]?.uri
  if (mirror === undefined) {
    throw new BryoError(
      'USAGE',
      `cannot bootstrap ${name}: the apt configuration of this host has no mirror of it`,
      {
        hint: 'name one: --mirror URL',
      },
    )
  }
  const keyring =
    choice.keyring ??
    own.find(({ signedBy }) => signedBy !== undefined)?.signedBy ??
    `/usr/share/keyrings/${name}-archive-keyring.gpg`
  if (!choice.exists(keyring)) {
    throw new BryoError('TOOL_MISSING', `cannot bootstrap ${name}: its keys are not at "${keyring}"`, {
      hint: `install the package ${name === 'debian' ? 'debian-archive-keyring' : 'ubuntu-keyring'}, or name a file: --keyring FILE`,
    })
  }
  const components = COMPONENTS[name].join(' ')
  const line = (uri: string, of: string) => `deb [signed-by=${keyring}] ${uri} ${of} ${components}`
  // Where the host has updates of this suite, the image gets them too.
  const updates = own.flatMap(({ uri, suites }) =>
    suites
      .filter((one) => one.startsWith(`${suite}-`) && /-(?:security|updates)$/.test(one))
      .map((one) => line(uri, one)),
  )
  return [line(mirror, suite), ...new Set(updates)]
}

function isOf({ uri }: AptSource, name: Distribution['name']): boolean {
  return new RegExp(`/${name}(?:-security)?/?$`).test(uri)
}

/** What makes an image slim: no documentation, no translations; copyright files stay. */
const SLIM_OPTIONS = [
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
  'path-include=/usr/share/locale/locale.alias',
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/info/*',
]

export interface DebstrapOptions {
  readonly variant: string
  readonly include: readonly string[]
  /** Without subordinate ids there is no namespace for more than one user. */
  readonly hasSubordinateIds: boolean
  readonly quiet: boolean
}

/** The arguments of mmdebstrap(1), which writes a tar to standard output. Pure. */
export function debstrapArguments(
  distribution: Distribution,
  sources: readonly string[],
  options: DebstrapOptions,
): readonly string[] {
  const { variant, include, hasSubordinateIds, quiet } = options
  return [
    'mmdebstrap',
    `--mode=${hasSubordinateIds ? 'unshare' : 'fakechroot'}`,
    `--variant=${variant}`,
    '--format=tar',
    ...(quiet ? ['--quiet'] : []),
    ...(include.length > 0 ? [`--include=${include.join(',')}`] : []),
    ...(distribution.slim ? SLIM_OPTIONS.map((option) => `--dpkgopt=${option}`) : []),
    distribution.suite,
    '-',
    ...sources,
  ]
}
