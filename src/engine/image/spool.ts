import { openSync, unlinkSync } from 'node:fs'
import { withSpaceErrors } from '../../storage/space.ts'
import type { Store } from '../../storage/store.ts'
import { beginOwnWork } from '../../storage/work.ts'
import { type OwnedFd, ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'

/** An empty private file in the store that has no name: it is gone with its fd, whatever ends this process. */
export function createSpool(store: Store): OwnedFd {
  const work = beginOwnWork(store, 'blob')
  try {
    const flags = O.rdwr | O.creat | O.excl | O.nofollow | O.cloexec
    const file = ownFd(withSpaceErrors(work.path, () => openSync(work.path, flags, 0o600)))
    unlinkSync(work.path)
    return file
  } finally {
    work.finish()
  }
}
