import { isAbsolute } from 'node:path'
import type { HostFacts } from '../base/hostFacts.ts'
import type { IdMaps } from '../base/idmap.ts'
import { identityMaps, isNested, readIdMaps } from '../userns/nested.ts'

/** What `unshare` tells the commands that run in it. */
export const UNSHARE_ENV = { dataRoot: 'BRYO_GRAPHROOT', runRoot: 'BRYO_RUNROOT' } as const

/** Where a command finds itself that was started inside of `unshare`. */
export interface Unshared {
  readonly dataRoot: string
  readonly runRoot: string
  /** For a namespace nested in this one: every id as itself. */
  readonly maps: IdMaps
}

/**
 * undefined outside of `unshare`. The variables alone prove nothing, as sudo may have kept them: only root of a namespace that has not
 * all of the host's ids listens to them.
 */
export function findUnshared({ uid, env }: HostFacts): Unshared | undefined {
  const [dataRoot, runRoot] = [env[UNSHARE_ENV.dataRoot], env[UNSHARE_ENV.runRoot]]
  if (uid !== 0 || dataRoot === undefined || runRoot === undefined) return undefined
  if (!isAbsolute(dataRoot) || !isAbsolute(runRoot)) return undefined
  const own = readIdMaps('self')
  return isNested(own) ? { dataRoot, runRoot, maps: identityMaps(own) } : undefined
}
