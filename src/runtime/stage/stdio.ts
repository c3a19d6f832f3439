import { fchownSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { dup2, ownFd, setCloseOnExec } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import type { StdioFds } from '../plan.ts'
import { openNullDevice } from './devices.ts'
import { isAnonymousPipe } from './execute.ts'
import type { Identity } from './identity.ts'

/** Makes these fds 0, 1 and 2 of the workload; where nothing is to be read, the container's null device is. */
export function setUpStdio({ stdin, stdout, stderr }: StdioFds, rootFd: number, identity: Identity): void {
  const sources = [stdin, stdout, stderr]
  for (const [fd, source] of sources.entries()) {
    if (source !== undefined && source !== fd) dup2(source, fd)
  }
  if (stdin === undefined) {
    using nothing = ownFd(openNullDevice(rootFd, O.rdonly))
    dup2(nothing.fd, 0)
  }
  for (const fd of [0, 1, 2]) {
    setCloseOnExec(fd, false)
    // So that /dev/stdout can be opened by a user that is not root.
    if (identity.uid !== 0 && isAnonymousPipe(fd)) giveAway(fd, identity)
  }
}

/** A pipe of somebody whose id is not mapped stays theirs. */
function giveAway(fd: number, { uid, gid }: Identity): void {
  try {
    fchownSync(fd, uid, gid)
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'EINVAL')) throw error
  }
}
