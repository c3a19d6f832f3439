import { BryoError } from '../base/errors.ts'
import type { ImageIndex, IndexEntry, Platform } from './manifest.ts'

const ARCHITECTURES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    x64: 'amd64',
    x86_64: 'amd64',
    'x86-64': 'amd64',
    aarch64: 'arm64',
    ia32: '386',
    i386: '386',
    i686: '386',
    armhf: 'arm',
    armel: 'arm',
    ppc64: 'ppc64le',
  }),
)

/** What this machine runs, from Node's name of its processor (`process.arch`). */
export function hostPlatform(arch: string): Platform {
  return normalise({ os: 'linux', architecture: arch })
}

/** `linux/arm64`, `linux/arm/v7`, `arm64`. @throws BryoError USAGE */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  const [first = '', second, variant] = parts
  if (parts.length > 3 || parts.some((part) => !/^[A-Za-z0-9_.-]{1,64}$/.test(part))) {
    throw new BryoError('USAGE', `cannot read platform "${text.slice(0, 100)}", expected OS/ARCH[/VARIANT]`)
  }
  if (second === undefined) return normalise({ os: 'linux', architecture: first })
  const platform = { os: first, architecture: second }
  return normalise(variant === undefined ? platform : { ...platform, variant })
}

export function formatPlatform(platform: Platform): string {
  const base = `${platform.os}/${platform.architecture}`
  return platform.variant === undefined ? base : `${base}/${platform.variant}`
}

/** One spelling for each platform: arm64's only variant v8 is left out, arm's v7 written. */
function normalise(platform: Platform): Platform {
  const os = platform.os.toLowerCase()
  const lower = platform.architecture.toLowerCase()
  const architecture = ARCHITECTURES.get(lower) ?? lower
  const variant = platform.variant?.toLowerCase()
  if (architecture === 'arm64' && (variant === undefined || /^v?8$/.test(variant)))
    return { os, architecture }
  if (architecture === 'amd64' && variant === 'v1') return { os, architecture }
  if (architecture === 'arm') {
    const number = variant === undefined ? 'v7' : variant.startsWith('v') ? variant : `v${variant}`
    return { os, architecture, variant: number }
  }
  return variant === undefined || variant === '' ? { os, architecture } : { os, architecture, variant }
}

/**
 * The entry of an index for a platform: the same variant first, then the newest older one, then one without.
 * @throws BryoError NOT_FOUND, with the platforms that there are
 */
export function selectPlatform(index: ImageIndex, wanted: Platform, name: string): IndexEntry {
  const want = normalise(wanted)
  const known = index.manifests.filter((entry) => !isAttestation(entry))
  const ranked = known
    .map((entry) => ({ entry, rank: rankOf(entry.platform, want) }))
    .filter((candidate) => candidate.rank > 0)
    .sort((a, b) => b.rank - a.rank)
  const best = ranked[0]?.entry
  if (best) return best
  // A layout with one image often says no platform; its configuration does.
  const only = known.length === 1 ? known[0] : undefined
  if (only && only.platform === undefined) return only
  const available = known.map((entry) => (entry.platform ? formatPlatform(entry.platform) : 'unnamed'))
  throw new BryoError(
    'NOT_FOUND',
    `cannot use image "${name}" for ${formatPlatform(want)}: it has ${available.join(', ') || 'no platform'}`,
    { hint: 'choose one of them with --platform' },
  )
}

/** Higher is better, 0 is no match. */
function rankOf(offered: Platform | undefined, want: Platform): number {
  if (!offered) return 0
  const have = normalise(offered)
  if (have.os !== want.os || have.architecture !== want.architecture) return 0
  if (have.variant === want.variant) return 1000
  if (have.variant === undefined) return 50
  if (want.variant === undefined) return 0
  const [haveNumber, wantNumber] = [Number(have.variant.slice(1)), Number(want.variant.slice(1))]
  return haveNumber < wantNumber ? 100 + haveNumber : 0
}

/** Build provenance is listed beside the images under the platform `unknown/unknown`. */
function isAttestation(entry: IndexEntry): boolean {
  return (
    entry.platform?.os === 'unknown' ||
    entry.annotations['vnd.docker.reference.type'] === 'attestation-manifest'
  )
}

/** Whether two names (`x86_64`, `amd64`) mean the same processor. */
export function sameArchitecture(a: string, b: string): boolean {
  return (
    normalise({ os: '', architecture: a }).architecture ===
    normalise({ os: '', architecture: b }).architecture
  )
}
