import { readFileSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import type { CapabilityMask } from '../capabilities.ts'
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
  const { filter, library } = await compileFilter(source, request, arch)
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

function hostArchitecture(): HostArchitecture {
  if (process.arch === 'x64') return 'amd64'
  if (process.arch === 'arm64') return 'arm64'
  throw new BryoError(
    'UNSUPPORTED',
    `cannot filter system calls: architecture ${process.arch}, expected x64 or arm64`,
  )
}

function cacheName(key: string, { capabilities, features }: SeccompRequest, arch: HostArchitecture): string {
  const parts = [key, `caps${capabilities.toString(16)}`, ...features, arch, release(), `v${COMPILER}`]
  return `${parts.join('-').replaceAll('/', '_')}.bpf`
}

async function compileFilter(source: ProfileSource, request: SeccompRequest, arch: HostArchitecture) {
  const [
    { parseKernelVersion, parseSeccompProfile },
    { selectRules },
    { compileProfile },
    { loadLibseccomp },
  ] = await Promise.all([
    import('./profile.ts'),
    import('./select.ts'),
    import('./compile.ts'),
    import('../../syscall/libseccomp.ts'),
  ])
  const profile = parseSeccompProfile(source.text ?? readProfile(source.path), source.path)
  const kernel = parseKernelVersion(release()) ?? [0, 0]
  const { capabilities, features } = request
  const selected = selectRules(profile, { capabilities, arch, kernel, features })
  const library = openLibrary(loadLibseccomp)
  const filter: SeccompFilter = { program: compileProfile(library, selected, arch), flags: profile.flags }
  return { filter, library: library.path }
}

function openLibrary<T>(load: () => T): T {
  try {
    return load()
  } catch (cause) {
    throw new BryoError(
      'TOOL_MISSING',
      `cannot filter system calls: ${messageOf(cause)}, expected libseccomp.so.2`,
      {
        hint: 'install the package libseccomp2 (Debian, Ubuntu) or libseccomp, or run without the filter: --security-opt seccomp=unconfined',
        cause,
      },
    )
  }
}
