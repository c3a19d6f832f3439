import { fstatSync } from 'node:fs'
import { isErrno } from '../../../base/errors.ts'
import { ownFd, pollReadable } from '../../../syscall/fd.ts'
import { signalPidfd } from '../../../syscall/pidfd.ts'
import { pidfdOpen } from '../../../syscall/process.ts'
import { allPids, readProcLink } from './procFile.ts'

const SIGKILL = 9
const PATIENCE_MS = 10_000

/**
 * Kills all processes in a mount namespace, and blocks until they are gone: what a container leaves running at its end, where no pid namespace of
 * its own takes it along.
 * @param mountFd the namespace: as long as it is open, no other one has its number
 */
export function endMembers(mountFd: number): void {
  const link = `mnt:[${fstatSync(mountFd).ino}]`
  const deadline = Date.now() + PATIENCE_MS
  // One that is being killed may have made another before.
  while (allPids().filter((pid) => endMember(pid, link)).length > 0 && Date.now() < deadline);
}

/** @returns whether it was in the namespace */
function endMember(pid: number, link: string): boolean {
  try {
    using handle = ownFd(pidfdOpen(pid))
    // Asked once the pid cannot become somebody else's any more.
    if (readProcLink(`/proc/${pid}/ns/mnt`) !== link) return false
    signalPidfd(handle.fd, SIGKILL)
    pollReadable(handle.fd, PATIENCE_MS)
    return true
  } catch (error) {
    if (!isErrno(error, 'ESRCH', 'EINVAL')) throw error
    return false
  }
}
