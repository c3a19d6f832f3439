import { closeAllFdsBut, pollReadable } from '../../syscall/fd.ts'
import { forkChild, setsid } from '../../syscall/process.ts'
import { readOrEnd } from '../outlet.ts'

/**
 * Leaves a process behind that holds a terminal's master end, without which the program at the other end would be hung up, and reads what that
 * writes, which nobody wants any more. It ends with the program.
 */
export function keepTerminal(masterFd: number): void {
  forkChild(() => {
    setsid()
    closeAllFdsBut([masterFd])
    const buffer = new Uint8Array(4096)
    while (pollReadable(masterFd, -1)) {
      if (readOrEnd(masterFd, buffer) === 0) break
    }
    return 0
  })
}
