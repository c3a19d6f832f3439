import type { Descriptor } from '../../base/image.ts'
import type { Destination } from '../../image/registry/destination.ts'
import type { Store } from '../../storage/store.ts'
import {
  knownCompressed,
  type LayerSource,
  openLayerSource,
  storedBlob,
  type WantedLayer,
} from './layerSource.ts'
import type { OnProgress } from './progress.ts'

export interface SendBlobs {
  /** Lowest first. */
  readonly layers: readonly WantedLayer[]
  readonly config: Descriptor
  readonly destination: Pick<Destination, 'hasBlob' | 'mountBlob' | 'uploadBlob'> & Disposable
  readonly mountFrom: readonly string[]
  readonly onProgress?: OnProgress | undefined
}

const PARALLEL_LAYERS = 3

/**
 * Brings the layers and the configuration to a registry, several at a time; the first failure ends all.
 * @returns the layers as the registry has them now
 */
export async function sendBlobs(store: Store, request: SendBlobs): Promise<readonly Descriptor[]> {
  const { layers, config, destination, onProgress = () => {} } = request
  onProgress({ kind: 'layers', layers: layers.map(({ layer: { digest, size } }) => ({ digest, size })) })
  const sent = new Map<number, Descriptor>()
  const queue = layers.map((item, index) => ({ ...item, index }))
  const failures: unknown[] = []
  const worker = async () => {
    for (let next = queue.shift(); next && failures.length === 0; next = queue.shift()) {
      const { layer, index } = next
      const known = knownCompressed(store, next)
      if (known && (await isThere(request, known))) {
        onProgress({ kind: 'layer-done', digest: layer.digest, reused: true })
        sent.set(index, known)
        continue
      }
      using source = await openLayerSource(store, next)
      const reused = await sendOne(request, source, (bytes) =>
        onProgress({
          kind: 'layer-progress',
          digest: layer.digest,
          bytes: Math.min(bytes, source.descriptor.size),
          total: source.descriptor.size,
        }),
      )
      onProgress({ kind: 'layer-done', digest: layer.digest, reused })
      sent.set(index, source.descriptor)
    }
  }
  const guarded = () =>
    worker().catch((error: unknown) => {
      failures.push(error)
      destination[Symbol.dispose]()
    })
  await Promise.all(Array.from({ length: PARALLEL_LAYERS }, guarded))
  if (failures.length > 0) throw failures[0]
  using configuration = storedBlob(store, config)
  await sendOne(request, configuration)
  return layers.map(({ layer }, index) => sent.get(index) ?? layer)
}

/** @returns true where nothing had to be sent */
async function sendOne(
  request: SendBlobs,
  { blob }: LayerSource,
  onProgress?: (bytes: number) => void,
): Promise<boolean> {
  if (await isThere(request, blob)) return true
  await request.destination.uploadBlob(blob, onProgress)
  return false
}

/** Whether the registry has it, maybe in another repository from which it was mounted just now. */
export async function isThere(
  {
    destination,
    mountFrom,
  }: Pick<SendBlobs, 'mountFrom'> & {
    readonly destination: Pick<Destination, 'hasBlob' | 'mountBlob'>
  },
  { digest }: Pick<Descriptor, 'digest'>,
): Promise<boolean> {
  if (await destination.hasBlob(digest)) return true
  for (const path of mountFrom) if (await destination.mountBlob(digest, path)) return true
  return false
}
