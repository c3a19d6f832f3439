import { release } from 'node:os'
import { BryoError, messageOf } from '../../base/errors.ts'
import type { CapabilityMask } from '../capabilities.ts'
import { readCachedFilter, writeCachedFilter } from '../seccomp/cache.ts'
import type { SeccompFilter } from '../seccomp/filter.ts'
import type { HostArchitecture } from '../seccomp/select.ts'

/** Part of the names of cached filters: raise it with every change of what a section compiles to. */
const COMPILER = 1

export interface SeccompSection {
  /** The section of the configuration, as JSON. */
  readonly text: string
  /** The configuration, for messages. */
  readonly document: string
  readonly capabilities: CapabilityMask
  /** The caller's own directory for compiled filters; made where it is missing. */
  readonly cacheDirectory: string
}

/**
 * The filter of a configuration; compiled once for each content, libseccomp and kernel.
 * @throws BryoError USAGE, UNSUPPORTED for the section; TOOL_MISSING without libseccomp
 */
export async function compileSection(section: SeccompSection): Promise<SeccompFilter> {
  const { createHash } = await import('node:crypto')
  const arch = architecture()
  const hash = createHash('sha256').update(section.text).digest('hex')
  const capabilities = section.capabilities.toString(16)
  const name = `oci-${hash}-caps${capabilities}-${arch}-${release().replaceAll('/', '_')}-v${COMPILER}.bpf`
  const directory = section.cacheDirectory
  const cached = readCachedFilter(directory, name)
  if (cached) return cached
  const { filter, library } = await compile(section, arch)
  writeCachedFilter({ directory, name, filter, library })
  return filter
}

function architecture(): HostArchitecture {
  if (process.arch === 'x64') return 'amd64'
  if (process.arch === 'arm64') return 'arm64'
  throw new BryoError(
    'UNSUPPORTED',
    `cannot filter system calls: architecture ${process.arch}, expected x64 or arm64`,
  )
}

async function compile({ text, document, capabilities }: SeccompSection, arch: HostArchitecture) {
  const [
    { parseKernelVersion, parseSeccompProfile },
    { selectRules },
    { compileProfile },
    { loadLibseccomp },
  ] = await Promise.all([
    import('../seccomp/profile.ts'),
    import('../seccomp/select.ts'),
    import('../seccomp/compile.ts'),
    import('../../syscall/libseccomp.ts'),
  ])
  const profile = parseSeccompProfile(text, `${document} linux.seccomp`)
  const kernel = parseKernelVersion(release()) ?? [0, 0]
  const selected = selectRules(profile, { capabilities, arch, kernel, features: [] })
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
      { hint: 'install the package libseccomp2 (Debian, Ubuntu) or libseccomp', cause },
    )
  }
}
