import { closeSync, openSync } from 'node:fs'
import { isErrno, unlessErrno } from '../../../base/errors.ts'
import { toContainerId } from '../../../base/idmap.ts'
import { parseGroup, parsePasswd } from '../../../runtime/user.ts'
import type { ProcessRef } from '../../../storage/container/state.ts'
import { O } from '../../../syscall/file.ts'
import { readProcText } from '../../../syscall/procFile.ts'
import { readIdMaps } from '../../../userns/nested.ts'
import { readUserFiles, type UserFiles } from './stage/userFiles.ts'

/** Names of users and groups by the ids that the kernel shows on the host. */
export interface IdNames {
  readonly user: (hostId: number) => string
  readonly group: (hostId: number) => string
}

const NO_FILES: UserFiles = { passwd: '', group: '' }

/**
 * As the container's own files name them, else the numbers inside. Its files are read, nothing of it is run, and no link in it
 * leads out.
 * @param init the container's first process
 */
export async function containerNames(init: ProcessRef): Promise<IdNames> {
  const maps = unlessErrno(() => readIdMaps(init.pid), 'ENOENT', 'ESRCH') ?? { uid: [], gid: [] }
  const files = await readFiles(init)
  const users = new Map(parsePasswd(files.passwd).map(({ uid, name }) => [uid, name]))
  const groups = new Map(parseGroup(files.group).map(({ gid, name }) => [gid, name]))
  const named = (names: ReadonlyMap<number, string>, id: number | undefined, hostId: number) =>
    id === undefined ? String(hostId) : (names.get(id) ?? String(id))
  return {
    user: (hostId) => named(users, toContainerId(maps.uid, hostId), hostId),
    group: (hostId) => named(groups, toContainerId(maps.gid, hostId), hostId),
  }
}

/** As the host's own files name them, else the numbers. */
export function hostNames(): IdNames {
  const users = new Map(parsePasswd(readProcText('/etc/passwd') ?? '').map(({ uid, name }) => [uid, name]))
  const groups = new Map(parseGroup(readProcText('/etc/group') ?? '').map(({ gid, name }) => [gid, name]))
  return {
    user: (hostId) => users.get(hostId) ?? String(hostId),
    group: (hostId) => groups.get(hostId) ?? String(hostId),
  }
}

/** From here where that may be; a fuse-overlayfs root lets only processes of its own user namespace look. */
async function readFiles(init: ProcessRef): Promise<UserFiles> {
  try {
    return readFromHere(init)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return NO_FILES
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
  }
  const { startInRunning } = await import('../rootAccess/running.ts')
  using task = startInRunning(init, { what: 'read names of users', keepFds: [], work: readUserFiles })
  return task.finish()
}

function readFromHere({ pid }: ProcessRef): UserFiles {
  const root = openSync(`/proc/${pid}/root`, O.path | O.directory)
  try {
    return readUserFiles(root)
  } finally {
    closeSync(root)
  }
}
