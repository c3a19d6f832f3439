import { fstatSync, ftruncateSync, readSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import { hostPath } from '../hostPath.ts'
import { waitForLock } from '../lock.ts'
import type { Store } from '../store.ts'
import { hasBlob } from './read.ts'
import { type BlobSink, createSink, type Hash, sha256 } from './sink.ts'

/** A download that may go on where another one stopped: `size` says how much is there. */
export interface PartialBlob extends BlobSink {
  readonly digest: Digest
  /** Starts again at nothing: for a server that sends the whole content. */
  restart(): void
}

const CHUNK = 1 << 20

/**
 * Opens the download of a blob: empty, or what an interrupted one left, read again for its digest. Only one process at
 * a time has it; another one waits here and then finds the blob. `using` keeps what came for the next attempt;
 * `abort` forgets it.
 * @returns undefined where the store has the blob
 */
export async function openPartial(store: Store, digest: Digest): Promise<PartialBlob | undefined> {
  if (hasBlob(store, digest)) return undefined
  const path = hostPath(store.partial, digestHex(digest))
  const lock = await waitForLock(path)
  if (hasBlob(store, digest)) {
    lock.remove()
    return undefined
  }
  try {
    const { size } = fstatSync(lock.fd)
    const hash = size === 0 ? sha256() : hashFile(lock.fd, size)
    return restartable(store, { digest, path, fd: lock.fd, hash, size })
  } catch (error) {
    lock.release()
    throw error
  }
}

interface PartialState {
  readonly digest: Digest
  readonly path: ReturnType<typeof hostPath>
  readonly fd: number
  readonly hash: Hash
  readonly size: number
}

/** The lock is the file's own fd, so closing it (which the sink does) lets go of both. */
function restartable(store: Store, state: PartialState): PartialBlob {
  const { digest, path, fd } = state
  const start = (hash: Hash, size: number): BlobSink =>
    createSink(store, { fd, path, hash, size, end: () => {}, onDispose: 'keep' })
  let sink = start(state.hash, state.size)
  return {
    digest,
    path,
    get size() {
      return sink.size
    },
    write: (chunk) => sink.write(chunk),
    commit: (options = {}) => sink.commit({ ...options, expected: options.expected ?? { digest } }),
    abort: () => sink.abort(),
    restart: () => {
      ftruncateSync(fd, 0)
      sink = start(sha256(), 0)
    },
    [Symbol.dispose]: () => sink[Symbol.dispose](),
  }
}

function hashFile(fd: number, size: number): Hash {
  const hash = sha256()
  const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK))
  for (;;) {
    const count = readSync(fd, buffer, 0, buffer.byteLength, null)
    if (count === 0) return hash
    hash.update(buffer.subarray(0, count))
  }
}
