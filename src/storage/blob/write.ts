import { constants, openSync } from 'node:fs'
import { withSpaceErrors } from '../space.ts'
import type { Store } from '../store.ts'
import { beginOwnWork } from '../work.ts'
import { type BlobSink, createSink, type StoredBlob, sha256 } from './sink.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/** Takes content whose digest is not known yet. `using` aborts it where it was not committed. */
export function createBlobWriter(store: Store): BlobSink {
  const work = beginOwnWork(store, 'blob')
  try {
    const fd = withSpaceErrors(work.path, () =>
      openSync(work.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    )
    return createSink(store, {
      fd,
      path: work.path,
      hash: sha256(),
      size: 0,
      end: work.finish,
      onDispose: 'abort',
    })
  } catch (error) {
    work.finish()
    throw error
  }
}

/** Stores content that is in memory. */
export function putBlob(store: Store, content: Uint8Array): StoredBlob {
  using writer = createBlobWriter(store)
  writer.write(content)
  return writer.commit()
}
