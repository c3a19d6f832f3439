import { openSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { planSave } from '../../image/archive/savePlan.ts'
import { type OpenBlob, writeArchive, writeArchiveDirectory } from '../../image/archive/write.ts'
import type { BlobSource } from '../../image/source.ts'
import { writeAll } from '../../storage/atomic.ts'
import { watchSpace, withSpaceErrors } from '../../storage/space.ts'
import type { OwnedFd } from '../../syscall/fd.ts'
import type { Engine } from '../engine.ts'
import type { OnProgress } from '../image/progress.ts'
import type { ResolvedManifest } from '../image/resolve.ts'
import { withDirectory, withFile } from '../image/saveTarget.ts'
import { createSpool } from '../image/spool.ts'
import type { CopyPlace } from './copyPlace.ts'

export interface SaveForeign {
  readonly resolved: ResolvedManifest
  readonly blobs: BlobSource
  readonly to: Extract<CopyPlace, { readonly kind: 'archive' }>
  /** Empty for none. */
  readonly name: string
  readonly onProgress?: OnProgress | undefined
}

/**
 * Writes an image that is not in the store as an archive or a directory. Its blobs come into files without a name first; each is verified
 * when it is written.
 * @throws BryoError DIGEST_MISMATCH, NO_SPACE, and those of the source
 */
export async function saveForeign(engine: Engine, request: SaveForeign): Promise<void> {
  const { resolved, to, name, onProgress } = request
  const { manifest } = resolved
  const { config, layers } = manifest
  using stack = new DisposableStack()
  const spools = new Map<string, OwnedFd>()
  const document = {
    mediaType: manifest.mediaType,
    digest: resolved.digest,
    size: resolved.bytes.byteLength,
  }
  onProgress?.({ kind: 'layers', layers: layers.map(({ digest, size }) => ({ digest, size })) })
  const spool = (digest: string) => {
    const file = stack.use(createSpool(engine.store))
    spools.set(digest, file)
    return file
  }
  writeAll(spool(resolved.digest).fd, resolved.bytes, 0)
  for (const blob of [...layers, config]) {
    if (spools.has(blob.digest)) continue
    await collect(engine, request, { blob, file: spool(blob.digest) })
    onProgress?.({ kind: 'layer-done', digest: blob.digest, reused: false })
  }
  const openBlob: OpenBlob = ({ digest }) => {
    const file = spools.get(digest)
    if (!file) throw new BryoError('STORAGE', `cannot find blob ${digest}, which was just fetched`)
    // A descriptor with a position of its own.
    return openSync(`/proc/self/fd/${file.fd}`, 'r')
  }
  const entries = planSave(to.format, [
    { manifest: document, config, layers, names: name === '' ? [] : [name] },
  ])
  if (to.format === 'oci-dir' || to.format === 'docker-dir') {
    withDirectory(to.path, (directory) => writeArchiveDirectory(directory, entries, openBlob))
  } else withFile(to.path, (fd) => writeArchive(fd, entries, openBlob))
}

async function collect(
  { store }: Engine,
  { blobs, onProgress }: SaveForeign,
  { blob, file }: { readonly blob: Descriptor; readonly file: OwnedFd },
): Promise<void> {
  const watch = watchSpace(store.dataRoot)
  let size = 0
  for await (const chunk of blobs.openBlob(blob, 0)) {
    watch(size)
    withSpaceErrors(store.dataRoot, () => writeAll(file.fd, chunk, size))
    size += chunk.byteLength
    onProgress?.({ kind: 'layer-progress', digest: blob.digest, bytes: size, total: blob.size })
  }
}
