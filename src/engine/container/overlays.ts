import { mkdirSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { SpecMount } from '../../runtime/spec.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { layerDiffPath } from '../../storage/layer/layers.ts'
import type { Engine } from '../engine.ts'
import { requireLocalImage } from '../image/find.ts'
import type { ContainerRequest, MountRequest } from './request.ts'
import { normalise } from './volumes.ts'

/** The kernel takes one page of mount options. */
const MAX_LOWER_BYTES = 3500

/** Mounts of images, and of host directories whose changes stay with the container (`:O`). */
export function overlayMounts(
  engine: Engine,
  request: ContainerRequest,
  directory: HostPath,
): readonly SpecMount[] {
  return request.mounts.flatMap((mount, index) => {
    const layers = lowerOf(engine, mount)
    if (!layers) return []
    const place = hostPath(directory, 'overlays', String(index))
    const staging = makeDirectory(place, 'merged')
    const destination = normalise(mount.target)
    const lower = `lowerdir=${layers.lower.map(escapeOption).join(':')}`
    if (Buffer.byteLength(lower) > MAX_LOWER_BYTES) {
      throw new BryoError(
        'UNSUPPORTED',
        `cannot mount an image at "${destination}": it has ${layers.lower.length} layers, which is more than one mount takes`,
      )
    }
    if (!layers.writable) {
      return [{ destination, type: 'overlay', source: staging, options: ['ro', 'nosuid', 'nodev', lower] }]
    }
    const [upper, work] = [makeDirectory(place, 'upper'), makeDirectory(place, 'work')]
    return [
      {
        destination,
        type: 'overlay',
        source: staging,
        options: [
          'nosuid',
          'nodev',
          lower,
          `upperdir=${escapeOption(upper)}`,
          `workdir=${escapeOption(work)}`,
        ],
      },
    ]
  })
}

interface Layers {
  readonly lower: readonly string[]
  readonly writable: boolean
}

function lowerOf(engine: Engine, mount: MountRequest): Layers | undefined {
  if (mount.type === 'bind' && mount.options.includes('O')) return { lower: [mount.source], writable: true }
  if (mount.type !== 'image') return undefined
  const image = requireLocalImage(engine.store, mount.image)
  const lower = image.layers.map((layer) => layerDiffPath(engine.store, layer.diffId)).reverse()
  // Read-only, the kernel wants two lower directories at least.
  return {
    lower: [...lower, engine.store.empty, ...(lower.length === 0 ? [engine.store.tmp] : [])],
    writable: mount.readWrite,
  }
}

function makeDirectory(place: HostPath, name: string): HostPath {
  const path = hostPath(place, name)
  mkdirSync(path, { recursive: true, mode: 0o755 })
  return path
}

/** `,` ends an option, `:` a lower directory. */
function escapeOption(path: string): string {
  return path.replace(/[\\,:]/g, (character) => `\\${character}`)
}
