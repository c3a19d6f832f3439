import { isAbsolute, join, resolve } from 'node:path'
import type { HostPath } from '../base/brand.ts'
import { BryoError } from '../base/errors.ts'
import { isOwnedBy } from '../base/runtimeDirectory.ts'
import { hostPath } from './hostPath.ts'

export interface StorePaths {
  /** Images, containers and volumes: survives a reboot. */
  readonly dataRoot: HostPath
  /** Sockets and other things of running containers; in the data root where the session has no runtime directory. */
  readonly runRoot: HostPath
  /** Who must own both. */
  readonly uid: number
  /** Where the store has to be made: so that other users can read its images. */
  readonly shared?: boolean
}

export interface StoreLocation {
  /** `--root`. */
  readonly dataRoot?: string | undefined
  /** `--runroot`. */
  readonly runRoot?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
}

const ROOT_DATA = '/var/lib/bryo'
const ROOT_RUN = '/run/bryo'

/**
 * Decides where the store is; creates nothing. Relative XDG paths are ignored, and for root all of them: after `sudo` they may
 * be another user's.
 * @throws BryoError STORAGE where no home is known
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function resolveStorePaths(location: StoreLocation): StorePaths {
  const { dataRoot, runRoot, uid } = location
  const data = hostPath(dataRoot === undefined ? defaultDataRoot(location) : resolve(dataRoot))
  const run = runRoot === undefined ? defaultRunRoot(location, data) : resolve(runRoot)
  return { dataRoot: data, runRoot: hostPath(run), uid }
}

function defaultRunRoot({ env, uid }: StoreLocation, dataRoot: HostPath): string {
  if (uid === 0) return ROOT_RUN
  const session = [env.XDG_RUNTIME_DIR, `/run/user/${uid}`].find(
    (directory) => directory !== undefined && isAbsolute(directory) && isOwnedBy(directory, uid),
  )
  return session === undefined ? join(dataRoot, 'run') : join(session, 'bryo')
}

function defaultDataRoot({ env, uid }: StoreLocation): string {
  if (uid === 0) return ROOT_DATA
  const data = env.XDG_DATA_HOME
  if (data !== undefined && isAbsolute(data)) return hostPath(data, 'bryo')
  const home = env.HOME
  if (home !== undefined && isAbsolute(home)) return hostPath(home, '.local/share/bryo')
  throw new BryoError('STORAGE', 'cannot place the store: HOME is not set, expected an absolute path', {
    hint: 'set HOME or XDG_DATA_HOME, or name a directory with --root',
  })
}
