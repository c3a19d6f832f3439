import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import type { ContainerId } from '../../../base/brand.ts'
import { unlessErrno } from '../../../base/errors.ts'
import { type ContainerRecord, containerRunDirectory } from '../../../storage/container/record.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { acquireLock } from '../../../storage/lock.ts'
import type { Store } from '../../../storage/store.ts'
import { workName } from '../../../storage/work.ts'
import { O } from '../../../syscall/file.ts'
import { umask } from '../../../syscall/process.ts'
import { connectUnixMessages, listenUnixMessages } from '../../../syscall/socket.ts'
import type { Engine } from '../../engine.ts'

const NAME = 'attach.sock'

/** The socket at which a monitor takes its clients, anew; an fd. */
export function openAttachSocket(store: Store, id: ContainerId): number {
  const directory = containerRunDirectory(store, id)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return inDirectory(directory, (path) => {
    rmSync(path, { force: true })
    const before = umask(0o177)
    try {
      return listenUnixMessages(path)
    } finally {
      umask(before)
    }
  })
}

/** An fd connected with a container's monitor; undefined where none listens. */
export function connectMonitor(store: Store, id: ContainerId): number | undefined {
  return unlessErrno(
    () => inDirectory(containerRunDirectory(store, id), connectUnixMessages),
    'ENOENT',
    'ECONNREFUSED',
  )
}

/** A socket's path has at most 107 bytes, which a runtime directory may exceed: hence by the directory's fd. @see unix(7) */
function inDirectory<T>(directory: string, use: (path: string) => T): T {
  const fd = openSync(directory, O.path | O.directory | O.cloexec)
  try {
    return use(`/proc/self/fd/${fd}/${NAME}`)
  } finally {
    closeSync(fd)
  }
}

/** Blocks until a `--rm` container is gone: the hold on it goes from its monitor to the program that removes it, and is free when that is done. */
export function awaitRemoval({ store }: Pick<Engine, 'store'>, { id }: Pick<ContainerRecord, 'id'>): void {
  const path = hostPath(store.pending, workName('container', id))
  acquireLock(path, { mode: 'exclusive', wait: true, create: false })?.release()
}
