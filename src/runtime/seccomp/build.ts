import { release } from 'node:os'
import { BryoError, messageOf } from '../../base/errors.ts'
import type { CapabilityMask } from '../capabilities.ts'
import type { SeccompFilter } from './filter.ts'
import type { HostArchitecture, SeccompFeature } from './select.ts'

/** @throws BryoError UNSUPPORTED */
export function hostArchitecture(): HostArchitecture {
  if (process.arch === 'x64') return 'amd64'
  if (process.arch === 'arm64') return 'arm64'
  throw new BryoError(
    'UNSUPPORTED',
    `cannot filter system calls: architecture ${process.arch}, expected x64 or arm64`,
  )
}

export interface FilterSource {
  /** A profile as JSON. */
  readonly text: string
  /** Where it came from, for messages. */
  readonly name: string
  readonly capabilities: CapabilityMask
  readonly features: readonly SeccompFeature[]
  /** What can be done without libseccomp, beside installing it; begins with a comma. */
  readonly otherRemedy: string
}

/**
 * Compiles a profile. The code for that, and libseccomp, are loaded only now: usually a filter is cached.
 * @throws BryoError USAGE, UNSUPPORTED for the profile; TOOL_MISSING without libseccomp
 */
export async function buildFilter(
  { text, name, capabilities, features, otherRemedy }: FilterSource,
  arch: HostArchitecture,
): Promise<{ readonly filter: SeccompFilter; readonly library: string }> {
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
  const profile = parseSeccompProfile(text, name)
  const kernel = parseKernelVersion(release()) ?? [0, 0]
  const selected = selectRules(profile, { capabilities, arch, kernel, features })
  const library = openLibrary(loadLibseccomp, otherRemedy)
  return {
    filter: { program: compileProfile(library, selected, arch), flags: profile.flags },
    library: library.path,
  }
}

function openLibrary<T>(load: () => T, otherRemedy: string): T {
  try {
    return load()
  } catch (cause) {
    throw new BryoError(
      'TOOL_MISSING',
      `cannot filter system calls: ${messageOf(cause)}, expected libseccomp.so.2`,
      { hint: `install the package libseccomp2 (Debian, Ubuntu) or libseccomp${otherRemedy}`, cause },
    )
  }
}
