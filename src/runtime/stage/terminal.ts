import { closeSync, fchownSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { dup2, sendFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { FS_MAGIC, filesystemTypeOfFd, moveMountOnto, openTreeClone } from '../../syscall/mount.ts'
import { ensureInRoot, openInRoot, openInRootIfPresent } from '../../syscall/rootPath.ts'
import { openPty, setControllingTerminal, setWindowSize, type WindowSize } from '../../syscall/tty.ts'
import { sendMessage } from '../messages.ts'

export interface TerminalOwner {
  readonly uid: number
  readonly gid: number
}

/**
 * Opens a pty of the container's own devpts, shows it as /dev/console where `console` says so, hands the master to the waiting process
 * and makes the slave the session's terminal and stdio.
 */
export function setUpTerminal(
  { rootFd, controlFd }: { readonly rootFd: number; readonly controlFd: number },
  owner: TerminalOwner,
  { window, console = true }: { readonly window: WindowSize | undefined; readonly console?: boolean },
): void {
  const { master, slave } = openPty(openMultiplexer(rootFd))
  if (window) setWindowSize(master, window)
  fchownSync(slave, owner.uid, owner.gid)
  if (console) showConsole(rootFd, slave)
  sendMessage(controlFd, { kind: 'terminal' })
  sendFd(controlFd, master)
  closeSync(master)
  setControllingTerminal(slave)
  for (const fd of [0, 1, 2]) dup2(slave, fd)
  closeSync(slave)
}

/** The container's own: neither a link nor a file of a volume that lies at its place. */
function openMultiplexer(rootFd: number): number {
  const path = '/dev/pts/ptmx'
  const fd = openInRootIfPresent(rootFd, path, O.path | O.nofollow, { strict: true })
  try {
    if (fd === undefined || filesystemTypeOfFd(fd) !== FS_MAGIC.devpts) {
      const found = fd === undefined ? 'nothing' : 'another file'
      throw new BryoError(
        'MOUNT',
        `cannot open a terminal at "${path}": found ${found}, expected the kernel's`,
      )
    }
    return openInRoot(rootFd, path, O.rdwr | O.noctty | O.nofollow, { strict: true })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** The source is the slave's own fd, never a path that the image could have changed. */
function showConsole(rootFd: number, slave: number): void {
  const target = ensureInRoot(rootFd, '/dev/console', 'file', { strict: true })
  const mount = openTreeClone({ dirfd: slave, path: '', recursive: false })
  try {
    moveMountOnto(mount, target)
  } finally {
    closeSync(mount)
    closeSync(target)
  }
}
