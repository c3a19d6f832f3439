import { isErrno } from '../base/errors.ts'
import { SIGKILL } from '../base/signals.ts'
import { ownFd, pollReadable } from './fd.ts'
import { signalPidfd } from './pidfd.ts'
import { pidfdOpen } from './process.ts'
import { allPids } from './procFile.ts'

const PATIENCE_MS = 10_000

/** Kills all processes that belong together, and blocks until they are gone. */
export function endProcesses(belongs: (pid: number) => boolean): void {
  const deadline = Date.now() + PATIENCE_MS
  // One that is being killed may have made another before.
  while (allPids().filter((pid) => endProcess(pid, belongs)).length > 0 && Date.now() < deadline);
}

/** @returns whether it belonged to them */
function endProcess(pid: number, belongs: (pid: number) => boolean): boolean {
  try {
    using handle = ownFd(pidfdOpen(pid))
    // Asked once the pid cannot become somebody else's any more.
    if (!belongs(pid)) return false
    signalPidfd(handle.fd, SIGKILL)
    pollReadable(handle.fd, PATIENCE_MS)
    return true
  } catch (error) {
    if (!isErrno(error, 'ESRCH', 'EINVAL')) throw error
    return false
  }
}
