import { BryoError } from '../../base/errors.ts'
import type { ProcessRef } from '../../storage/container/state.ts'
import { messageSocketPair, ownFd, receiveFd } from '../../syscall/fd.ts'
import { startInRunning } from './rootAccess/running.ts'
import { sendSharedMemory } from './stage/sharedMemory.ts'

/**
 * The /dev/shm of a running container as a mount that has no place yet: it goes with its IPC namespace.
 * @param mountFd the container's mount namespace
 * @returns its fd
 * @throws BryoError MOUNT where the container has none, INVALID_STATE
 */
export function openSharedMemory(init: ProcessRef, mountFd: number): number {
  const [receiving, sending] = messageSocketPair()
  using ours = ownFd(receiving)
  using theirs = ownFd(sending)
  using task = startInRunning(init, {
    what: 'share /dev/shm',
    keepFds: [mountFd, theirs.fd],
    work: (rootFd) => sendSharedMemory(rootFd, mountFd, theirs.fd),
  })
  if (task.finish()) return receiveFd(ours.fd)
  throw new BryoError('MOUNT', 'cannot share /dev/shm: the other container has none')
}
