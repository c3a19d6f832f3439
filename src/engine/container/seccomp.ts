import { VERSION } from '../../base/version.ts'
import type { CapabilityPlan } from '../../runtime/capabilities.ts'
import { loadSeccompFilter } from '../../runtime/seccomp/load.ts'
import type { SecuritySettings } from '../../runtime/security.ts'
import { hostPath } from '../../storage/hostPath.ts'
import type { Engine } from '../engine.ts'
import { installedFile } from '../installation.ts'

/** The filter of a container's processes; undefined for none. @param capabilities of its root @throws BryoError */
export function containerSeccomp(
  { store }: Engine,
  security: Pick<SecuritySettings, 'seccomp' | 'nestedUserns'>,
  capabilities: Pick<CapabilityPlan, 'bounding'>,
): ReturnType<typeof loadSeccompFilter> {
  return loadSeccompFilter({
    choice: security.seccomp,
    defaultProfile: installedFile('share', 'seccomp.json'),
    version: VERSION,
    capabilities: capabilities.bounding,
    features: security.nestedUserns ? ['nested-userns'] : [],
    cacheDirectory: hostPath(store.dataRoot, 'seccomp'),
  })
}
