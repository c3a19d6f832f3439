import { release } from 'node:os'
import type { CapabilityMask } from '../capabilities.ts'
import { buildFilter, hostArchitecture } from '../seccomp/build.ts'
import { readCachedFilter, writeCachedFilter } from '../seccomp/cache.ts'
import type { SeccompFilter } from '../seccomp/filter.ts'

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
  const arch = hostArchitecture()
  const hash = createHash('sha256').update(section.text).digest('hex')
  const capabilities = section.capabilities.toString(16)
  const name = `oci-${hash}-caps${capabilities}-${arch}-${release().replaceAll('/', '_')}-v${COMPILER}.bpf`
  const directory = section.cacheDirectory
  const cached = readCachedFilter(directory, name)
  if (cached) return cached
  const { filter, library } = await buildFilter(
    {
      text: section.text,
      name: `${section.document} linux.seccomp`,
      capabilities: section.capabilities,
      features: [],
      otherRemedy: '',
    },
    arch,
  )
  writeCachedFilter({ directory, name, filter, library })
  return filter
}
