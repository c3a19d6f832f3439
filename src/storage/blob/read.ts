import { closeSync, fstatSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import type { Digest, HostPath } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { hostPath } from '../hostPath.ts'
import type { Store } from '../store.ts'

export function blobPath(store: Store, digest: Digest): HostPath {
  return hostPath(store.blobs, digestHex(digest))
}

/** Bytes of the blob; undefined where the store has none. */
export function blobSize(store: Store, digest: Digest): number | undefined {
  return statSync(blobPath(store, digest), { throwIfNoEntry: false })?.size
}

/** @param size where given, a blob of another length (a disk that lost power) counts as absent */
export function hasBlob(store: Store, digest: Digest, size?: number): boolean {
  const found = blobSize(store, digest)
  return found !== undefined && (size === undefined || found === size)
}

/** As {@link hasBlob}, where another store that is read may have it too. */
export function canReadBlob(store: Store, digest: Digest): boolean {
  return hasBlob(holderOf(store, digest), digest)
}

/**
 * The whole content of a small blob; its digest was verified when it came in.
 * @throws BryoError NOT_FOUND, or STORAGE where it is larger than `maxBytes`
 */
export function readBlob(store: Store, digest: Digest, maxBytes: number): Buffer {
  const fd = openBlob(store, digest)
  try {
    const { size } = fstatSync(fd)
    if (size > maxBytes) {
      throw new BryoError(
        'STORAGE',
        `cannot read blob "${digest}": ${size} bytes, expected at most ${maxBytes}`,
      )
    }
    const content = Buffer.allocUnsafe(size)
    let length = 0
    while (length < size) {
      const count = readSync(fd, content, length, size - length, null)
      if (count === 0) break
      length += count
    }
    return content.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}

/** A read-only fd that the caller closes. @throws BryoError NOT_FOUND */
export function openBlob(store: Store, digest: Digest): number {
  try {
    return openSync(blobPath(holderOf(store, digest), digest), 'r')
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause
    throw new BryoError('NOT_FOUND', `cannot read blob "${digest}": not in the store`, { cause })
  }
}

/** An additional store where only that one has it. */
function holderOf(store: Store, digest: Digest): Store {
  if (store.additional === undefined || hasBlob(store, digest)) return store
  return store.additional.find((other) => hasBlob(other, digest)) ?? store
}

const CHUNK_BYTES = 1024 * 1024

/** Whether the stored content still has its digest: what others say of it, such as a size, proves nothing. */
export function isIntact(store: Store, digest: Digest): boolean {
  const fd = openBlob(store, digest)
  try {
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256')
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) {
      hash.update(chunk.subarray(0, count))
    }
    return hash.digest('hex') === digestHex(digest)
  } finally {
    closeSync(fd)
  }
}

/**
 * Removes a blob whose content is not what it was; other images may use one that is whole.
 * @returns true where the store has none now
 */
export function removeDamagedBlob(store: Store, digest: Digest): boolean {
  if (!hasBlob(store, digest)) return true
  if (isIntact(store, digest)) return false
  removeBlob(store, digest)
  return true
}

export function removeBlob(store: Store, digest: Digest): void {
  rmSync(blobPath(store, digest), { force: true })
}
