import { mkdirSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { escapeOverlayOption } from '../../base/overlayOption.ts'
import type { SpecMount } from '../../runtime/spec.ts'
import { hostPath } from '../../storage/hostPath.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import { isSharedLayer, layerDiffPath } from '../../storage/layer/layers.ts'
import type { Store } from '../../storage/store.ts'
import { requireVolume } from '../../storage/volume/volumes.ts'
import type { Engine } from '../engine.ts'
import { requireLocalImage } from '../image/find.ts'
import { contentDirectory } from '../volume/content.ts'
import type { StoredConfig } from './stored.ts'
import { isOverlay, normalise } from './volumes.ts'

/** The kernel takes one page of mount options. */
const MAX_LOWER_BYTES = 3500

/** Mounts of images, and of host directories and volumes whose changes stay with the container (`:O`). */
export function overlayMounts(
  engine: Engine,
  config: StoredConfig,
  directory: HostPath,
): readonly SpecMount[] {
  return [...requestOverlays(engine, config), ...volumeOverlays(engine, config)].map((overlay, index) =>
    overlayMount(overlay, hostPath(directory, 'overlays', String(index))),
  )
}

interface Overlay {
  readonly target: string
  readonly lower: readonly string[]
  readonly writable: boolean
}

function requestOverlays({ store }: Engine, { request }: StoredConfig): readonly Overlay[] {
  return request.mounts.flatMap((mount): readonly Overlay[] => {
    if (mount.type === 'bind' && isOverlay(mount)) {
      return [{ target: mount.target, lower: [mount.source], writable: !mount.options.includes('ro') }]
    }
    if (mount.type !== 'image') return []
    const image = requireLocalImage(store, mount.image)
    refuseSharedLayers(store, image)
    const lower = image.layers.map((layer) => layerDiffPath(store, layer.diffId)).reverse()
    return [{ target: mount.target, lower, writable: mount.readWrite }]
  })
}

/** The kernel's overlay, which these are, would show everything as the store owner's. */
function refuseSharedLayers(store: Store, { id, names, layers }: ImageRecord): void {
  if (!layers.some(({ diffId }) => isSharedLayer(store, diffId))) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot mount image "${names[0] ?? id}": it lies in a store for several users, which only roots of containers can be of`,
    { hint: 'pull or load it into your own store' },
  )
}

function volumeOverlays({ store }: Engine, { volumes }: StoredConfig): readonly Overlay[] {
  return volumes.filter(isOverlay).map(({ name, target, options }) => ({
    target,
    lower: [contentDirectory(requireVolume(store, name))],
    writable: !options.includes('ro'),
  }))
}

function overlayMount({ target, lower, writable }: Overlay, place: HostPath): SpecMount {
  const staging = makeDirectory(place, 'merged')
  const destination = normalise(target)
  // Read-only, the kernel wants two lower directories at least.
  const layers =
    writable && lower.length > 0
      ? lower
      : [...lower, makeDirectory(place, 'empty'), makeDirectory(place, 'none')]
  const option = `lowerdir=${layers.map(escapeOverlayOption).join(':')}`
  if (Buffer.byteLength(option) > MAX_LOWER_BYTES) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot mount an image at "${destination}": it has ${lower.length} layers, more than one mount takes`,
    )
  }
  const common = { destination, type: 'overlay', source: staging }
  if (!writable) return { ...common, options: ['ro', 'nosuid', 'nodev', option] }
  const [upper, work] = [makeDirectory(place, 'upper'), makeDirectory(place, 'work')]
  return {
    ...common,
    options: [
      'nosuid',
      'nodev',
      option,
      `upperdir=${escapeOverlayOption(upper)}`,
      `workdir=${escapeOverlayOption(work)}`,
    ],
  }
}

function makeDirectory(place: HostPath, name: string): HostPath {
  const path = hostPath(place, name)
  mkdirSync(path, { recursive: true, mode: 0o755 })
  return path
}
