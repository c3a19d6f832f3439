import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isErrno } from '../../../base/errors.ts'
import { type IdMaps, toContainerId } from '../../../base/idmap.ts'
import { parseGroup, parsePasswd } from '../../../runtime/user.ts'
import { O } from '../../../syscall/file.ts'
import { openInRootIfPresent } from '../../../syscall/rootPath.ts'
import { readIdMaps } from '../../../userns/nested.ts'
import { readProcText } from './procFile.ts'

/** Names of users and groups by the ids that the kernel shows on the host. */
export interface IdNames {
  readonly user: (hostId: number) => string
  readonly group: (hostId: number) => string
}

const MAX_FILE = 1024 * 1024

/**
 * As the container's own files name them, else the numbers inside. Its files are read, nothing of it is run, and no link in it
 * leads out.
 * @param init the container's first process
 */
export function containerNames(init: number): IdNames {
  const maps = readMaps(init)
  const files = readUserFiles(init)
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

function readMaps(init: number): IdMaps {
  try {
    return readIdMaps(init)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error
    return { uid: [], gid: [] }
  }
}

function readUserFiles(init: number): { readonly passwd: string; readonly group: string } {
  let root: number
  try {
    root = openSync(`/proc/${init}/root`, O.path | constants.O_DIRECTORY)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
    return { passwd: '', group: '' }
  }
  try {
    return { passwd: readInRoot(root, '/etc/passwd'), group: readInRoot(root, '/etc/group') }
  } finally {
    closeSync(root)
  }
}

/** The beginning of a plain file; empty for anything else, such as a pipe that would never end. */
function readInRoot(root: number, path: string): string {
  let fd: number | undefined
  try {
    fd = openInRootIfPresent(root, path, O.rdonly | O.nonblock | O.noctty)
    if (fd === undefined || !fstatSync(fd).isFile()) return ''
    const buffer = Buffer.alloc(Math.min(MAX_FILE, fstatSync(fd).size))
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'ENOTCONN')) throw error
    return ''
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
