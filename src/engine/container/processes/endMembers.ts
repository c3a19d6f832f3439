import { fstatSync, openSync } from 'node:fs'
import { isErrno } from '../../../base/errors.ts'
import { endProcesses } from '../../../syscall/endProcesses.ts'
import { ownFd } from '../../../syscall/fd.ts'
import { O } from '../../../syscall/file.ts'
import { openOwner } from '../../../syscall/namespace.ts'
import { readProcLink } from '../../../syscall/procFile.ts'

/**
 * Kills all processes in a mount namespace, and blocks until they are gone: what a container leaves running at its end, where no pid namespace of
 * its own takes it along.
 * @param mountFd the namespace: as long as it is open, no other one has its number
 * @param nested those too whose mount namespace was made below the user namespace that owns it, which is the container's alone
 */
export function endMembers(mountFd: number, { nested }: { readonly nested: boolean }): void {
  const link = `mnt:[${fstatSync(mountFd).ino}]`
  using users = nested ? ownFd(openOwner(mountFd)) : undefined
  const owner = users && fstatSync(users.fd).ino
  endProcesses(
    (pid) =>
      readProcLink(`/proc/${pid}/ns/mnt`) === link || (owner !== undefined && hasMountsBelow(pid, owner)),
  )
}

/** Whether its mount namespace belongs to a user namespace, or to one below that. */
function hasMountsBelow(pid: number, owner: number): boolean {
  try {
    let fd = openSync(`/proc/${pid}/ns/mnt`, O.rdonly | O.cloexec)
    for (;;) {
      using namespace = ownFd(fd)
      fd = openOwner(namespace.fd)
      if (fstatSync(fd).ino === owner) {
        using _owner = ownFd(fd)
        return true
      }
    }
  } catch (error) {
    // EPERM: above this process's own user namespace.
    if (!isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
    return false
  }
}
