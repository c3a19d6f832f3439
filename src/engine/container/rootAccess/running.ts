import { openSync } from 'node:fs'
import { BryoError, isErrno } from '../../../base/errors.ts'
import { rootIds } from '../../../base/idmap.ts'
import { isProcessAlive, type ProcessRef } from '../../../storage/container/state.ts'
import { ownFd } from '../../../syscall/fd.ts'
import { O } from '../../../syscall/file.ts'
import { startForkTask } from '../../../userns/fork-task.ts'
import { readIdMaps } from '../../../userns/nested.ts'
import { type RootTask, type StartedTask, startTask } from './task.ts'

/**
 * The root as the container's first process sees it, reached by an fd: its mounts belong to the container's own namespace, but the
 * child's root, working directory and /proc stay the host's.
 */
export function startInRunning<T>(process: ProcessRef, task: RootTask<T>): StartedTask<T> {
  try {
    using root = ownFd(openSync(`/proc/${process.pid}/root`, O.path | O.directory | O.cloexec))
    using user = ownFd(openSync(`/proc/${process.pid}/ns/user`, O.rdonly | O.cloexec))
    const maps = readIdMaps(process.pid)
    // The pid was the container's when all of them were opened.
    if (!isProcessAlive(process)) throw containerEnded()
    const { what, keepFds, work } = task
    return startTask(
      { what, keepFds: [...keepFds, root.fd], work: () => work(root.fd) },
      ({ keepFds: fds, main }) =>
        startForkTask({ keepFds: fds, join: { userFd: user.fd, root: rootIds(maps) }, main }),
    )
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error
    throw containerEnded()
  }
}

function containerEnded(): BryoError {
  return new BryoError('INVALID_STATE', 'the container has ended just now', { hint: 'try it again' })
}
