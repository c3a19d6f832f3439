import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { type DecompressResult, decompressTo } from '../../image/compression.ts'
import { throughTool } from '../../image/compressionTool.ts'
import { openBlob } from '../../storage/blob/read.ts'
import type { StoredBlob } from '../../storage/blob/sink.ts'
import { createBlobWriter } from '../../storage/blob/write.ts'
import { beginLayer, readLayer } from '../../storage/layer/layers.ts'
import { watchSpace } from '../../storage/space.ts'
import { ownFd } from '../../syscall/fd.ts'
import type { Engine } from '../engine.ts'
import { expansionLimit, watchExpansion } from '../expansion.ts'
import { unpackLayer } from '../unpackLayer.ts'

/** A layer that is in the store: its archive as it came, and unpacked. */
export interface StoredLayer {
  readonly blob: StoredBlob
  readonly compression: DecompressResult['compression']
  readonly diffId: Digest
  /** Bytes of content. */
  readonly size: number
}

/**
 * Brings an archive that nobody has named a digest for into the store. It is stored first, as its digests name the place that it is
 * unpacked to. The caller holds lockForAdding().
 * @throws BryoError INVALID_ARCHIVE, UNSUPPORTED, NO_SPACE
 */
export async function storeLayer(
  engine: Engine,
  fd: number,
  onProgress?: (bytes: number) => void,
): Promise<StoredLayer> {
  const { store } = engine
  using writer = createBlobWriter(store)
  const watch = watchSpace(store.dataRoot)
  const storing = async function* () {
    // Layers have no media type for xz and bzip2, so what these compressed is stored plain.
    for await (const chunk of throughTool(fd)) {
      watch(writer.size)
      writer.write(chunk)
      onProgress?.(writer.size)
      yield chunk
    }
  }
  const { compression, outputDigest } = await decompressTo(storing(), async () => {}, {
    digestOutput: true,
    onOutput: watchExpansion(store.dataRoot, expansionLimit(engine.facts.env)),
  })
  if (writer.size === 0 || outputDigest === undefined) {
    throw new BryoError('INVALID_ARCHIVE', 'cannot import tar archive: it is empty')
  }
  const blob = writer.commit()
  await unpackStored(engine, blob.digest, outputDigest)
  const layer = readLayer(store, outputDigest)
  if (!layer) throw new BryoError('STORAGE', `cannot find layer ${outputDigest}, which was just unpacked`)
  return { blob, compression, diffId: outputDigest, size: layer.size }
}

async function unpackStored(engine: Engine, digest: Digest, diffId: Digest): Promise<void> {
  const { store, identity, facts, defaultIds } = engine
  using draft = await beginLayer(store, diffId, engine.runInUserns)
  if (!draft) return
  using blob = ownFd(openBlob(store, digest))
  // No digest is passed: nobody promised one, so the archive's own end is what proves it whole.
  const unpacked = await unpackLayer({
    input: blob.fd,
    directory: draft.directory,
    userns: { maps: defaultIds().maps, identity: identity(), searchPath: facts.env.PATH },
    shared: store.shared,
    limit: expansionLimit(facts.env),
  })
  if (unpacked.diffId !== diffId)
    throw new BryoError('STORAGE', `cannot import: blob ${digest} changed while it was read`)
  draft.commit({ size: unpacked.bytes })
}
