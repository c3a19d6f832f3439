import { closeSync, fchownSync } from 'node:fs'
import { dup2, sendFd } from '../../syscall/fd.ts'
import { moveMountOnto, openTreeClone } from '../../syscall/mount.ts'
import { ensureInRoot } from '../../syscall/rootPath.ts'
import { openPty, setControllingTerminal, setWindowSize, type WindowSize } from '../../syscall/tty.ts'
import { sendMessage } from '../messages.ts'

export interface TerminalOwner {
  readonly uid: number
  readonly gid: number
}

/**
 * Opens a pty of the container's own devpts, shows it as /dev/console, hands the master to the waiting process
 * and makes the slave the session's terminal and stdio.
 */
export function setUpTerminal(
  rootFd: number,
  controlFd: number,
  owner: TerminalOwner,
  window: WindowSize | undefined,
): void {
  const { master, slave } = openPty('/dev/pts/ptmx')
  if (window) setWindowSize(master, window)
  fchownSync(slave, owner.uid, owner.gid)
  showConsole(rootFd, slave)
  sendMessage(controlFd, { kind: 'terminal' })
  sendFd(controlFd, master)
  closeSync(master)
  setControllingTerminal(slave)
  for (const fd of [0, 1, 2]) dup2(slave, fd)
  closeSync(slave)
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
