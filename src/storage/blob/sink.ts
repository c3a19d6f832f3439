import { closeSync, fchmodSync, fsyncSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Digest, HostPath } from '../../base/brand.ts'
import { isDigest } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { syncDirectory, writeAll } from '../atomic.ts'
import { unlinkIfThere } from '../lock.ts'
import { withSpaceErrors } from '../space.ts'
import type { Store } from '../store.ts'
import { blobPath } from './read.ts'

export interface StoredBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

export interface CommitOptions {
  /** What the content must be. */
  readonly expected?: { readonly digest: Digest; readonly size?: number }
  /** Wait until the disk has it; false by default, as a blob can be fetched again. */
  readonly durable?: boolean
}

/** Content on its way into the store: invisible until {@link BlobSink.commit} has checked it. */
export interface BlobSink extends Disposable {
  /** The growing file. */
  readonly path: HostPath
  /** Bytes so far. */
  readonly size: number
  /** @throws BryoError NO_SPACE */
  write(chunk: Uint8Array): void
  /**
   * Moves the content to its digest's name, and ends the sink.
   * @throws BryoError DIGEST_MISMATCH, with nothing left behind
   */
  commit(options?: CommitOptions): StoredBlob
  /** Ends the sink and forgets the content. Does nothing after `commit`. */
  abort(): void
}

export interface Hash {
  update(chunk: Uint8Array): unknown
  digest(encoding: 'hex'): string
}

/** Loaded only here: starting it takes as long as the rest of a short command. */
export function sha256(): Hash {
  return process.getBuiltinModule('node:crypto').createHash('sha256')
}

export interface SinkParts {
  readonly fd: number
  readonly path: HostPath
  readonly hash: Hash
  /** Bytes that are there already and in the hash. */
  readonly size: number
  /** Frees the name that the content grew under. */
  readonly end: () => void
  /** What `using` does with a sink that was neither committed nor aborted. */
  readonly onDispose: 'abort' | 'keep'
}

export function createSink(store: Store, parts: SinkParts): BlobSink {
  const { fd, path, hash } = parts
  let { size } = parts
  let open = true
  const keep = (): void => {
    if (!open) return
    open = false
    closeSync(fd)
    parts.end()
  }
  const abort = (): void => {
    if (open) unlinkIfThere(path)
    keep()
  }
  const write = (chunk: Uint8Array): void => {
    try {
      withSpaceErrors(path, () => writeAll(fd, chunk, size))
    } catch (error) {
      // A full disk is no place to keep half a download.
      abort()
      throw error
    }
    hash.update(chunk)
    size += chunk.byteLength
  }
  const commit = (options: CommitOptions = {}): StoredBlob => {
    try {
      const blob = verify(hash.digest('hex'), size, options.expected)
      if (store.shared) fchmodSync(fd, 0o644)
      publish(fd, path, blobPath(store, blob.digest), options.durable ?? false)
      keep()
      return blob
    } catch (error) {
      abort()
      throw error
    }
  }
  const dispose = parts.onDispose === 'abort' ? abort : keep
  return {
    path,
    get size() {
      return size
    },
    write,
    commit,
    abort,
    [Symbol.dispose]: dispose,
  }
}

/** Replacing a blob that is there by the same content is harmless, and mends one that a power cut left empty. */
function publish(fd: number, path: string, target: string, durable: boolean): void {
  if (durable) withSpaceErrors(path, () => fsyncSync(fd))
  renameSync(path, target)
  if (durable) syncDirectory(dirname(target))
}

function verify(hex: string, size: number, expected: CommitOptions['expected']): StoredBlob {
  const digest = `sha256:${hex}`
  if (!isDigest(digest)) throw new Error(`sha256 gave "${hex}"`)
  if (expected?.size !== undefined && expected.size !== size) {
    throw new BryoError(
      'DIGEST_MISMATCH',
      `cannot store blob "${expected.digest}": ${size} bytes came, expected ${expected.size}`,
    )
  }
  if (expected && expected.digest !== digest) {
    throw new BryoError(
      'DIGEST_MISMATCH',
      `cannot store blob "${expected.digest}": the content is ${digest}, expected ${expected.digest}`,
    )
  }
  return { digest, size }
}
