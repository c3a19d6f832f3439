import { readFileSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import type { CapabilityMask } from '../capabilities.ts'
import { buildFilter, hostArchitecture } from './build.ts'
import { readCachedFilter, writeCachedFilter } from './cache.ts'
import type { SeccompFilter } from './filter.ts'
import type { HostArchitecture, SeccompFeature } from './select.ts'

/** `--security-opt seccomp=`. */
export type SeccompChoice =
  | { readonly kind: 'default' }
  | { readonly kind: 'unconfined' }
  | { readonly kind: 'file'; readonly path: string }

export interface SeccompRequest {
  readonly choice: SeccompChoice
  /** bryo's own profile, `share/seccomp.json` of the installation. */
  readonly defaultProfile: string
  /** Version of bryo. */
  readonly version: string
  /** The bounding set of the workload: rules ask for it. */
  readonly capabilities: CapabilityMask
  readonly features: readonly SeccompFeature[]
  /** The caller's own directory for compiled filters; made where it is missing. */
  readonly cacheDirectory: string
}

/** Part of the names of cached filters: raise it with every change of what a profile compiles to. */
const COMPILER = 1
const MAX_PROFILE = 1024 * 1024

/**
 * The filter for a workload; undefined only for `unconfined`. The usual case reads one small file: the JSON is parsed, and
 * libseccomp loaded, only where no earlier run compiled the same.
 * @throws BryoError NOT_FOUND, USAGE, UNSUPPORTED for the profile; TOOL_MISSING without libseccomp
 */
export async function loadSeccompFilter(request: SeccompRequest): Promise<SeccompFilter | undefined> {
  const { choice, cacheDirectory: directory } = request
  if (choice.kind === 'unconfined') return undefined
  const arch = hostArchitecture()
  const source: ProfileSource =
    choice.kind === 'default' ? identifyDefault(request) : await readForeign(choice.path)
  const name = cacheName(source.key, request, arch)
  const cached = readCachedFilter(directory, name)
  if (cached) return cached
  const { capabilities, features } = request
  const text = source.text ?? readProfile(source.path)
  const otherRemedy = ', or run without the filter: --security-opt seccomp=unconfined'
  const { filter, library } = await buildFilter(
    { text, name: source.path, capabilities, features, otherRemedy },
    arch,
  )
  writeCachedFilter({ directory, name, filter, library })
  return filter
}

interface ProfileSource {
  readonly path: string
  /** Names the content. */
  readonly key: string
  /** Not yet read where the key did not need it. */
  readonly text: string | undefined
}

/** Installed files change only with the installation, so their times and sizes name their content. */
function identifyDefault({ defaultProfile: path, version }: SeccompRequest): ProfileSource {
  const stats = statProfile(path)
  return { path, key: `default-${version}-${stats.size}-${stats.mtimeMs}-${stats.ctimeMs}`, text: undefined }
}

async function readForeign(path: string): Promise<ProfileSource> {
  const { createHash } = await import('node:crypto')
  const text = readProfile(path)
  return { path, key: createHash('sha256').update(text).digest('hex'), text }
}

function statProfile(path: string) {
  try {
    return statSync(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function readProfile(path: string): string {
  const stats = statProfile(path)
  if (!stats.isFile() || stats.size > MAX_PROFILE) {
    const found = stats.isFile() ? `${stats.size} bytes` : 'not a file'
    throw new BryoError(
      'USAGE',
      `cannot read seccomp profile "${path}": ${found}, expected a file of at most ${MAX_PROFILE} bytes`,
    )
  }
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): unknown {
  if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP')) return cause
  const code = isErrno(cause, 'ENOENT', 'ENOTDIR') ? 'NOT_FOUND' : 'PERMISSION'
  return new BryoError(code, `cannot read seccomp profile "${path}": ${messageOf(cause).split(',')[0]}`, {
    cause,
  })
}

function cacheName(key: string, { capabilities, features }: SeccompRequest, arch: HostArchitecture): string {
  const parts = [key, `caps${capabilities.toString(16)}`, ...features, arch, release(), `v${COMPILER}`]
  return `${parts.join('-').replaceAll('/', '_')}.bpf`
}
