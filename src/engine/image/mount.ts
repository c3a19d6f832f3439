import { mkdirSync, rmdirSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { escapeOverlayOption } from '../../base/overlayOption.ts'
import { overlayData } from '../../runtime/stage/overlay.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { readAllImages, readImage } from '../../storage/image/images.ts'
import type { ImageRecord, ImageSummary } from '../../storage/image/record.ts'
import { isSharedLayer, layerDiffPath } from '../../storage/layer/layers.ts'
import { chooseDriver, requireFuseOverlay } from '../../storage/rootfs/driver.ts'
import { mount } from '../../syscall/mount.ts'
import { chdir, exitCodeOfStatus, spawnProgram, waitForExit } from '../../syscall/process.ts'
import { storageDriver } from '../container/checkOptions.ts'
import { mountPoints, unmountPath } from '../container/mountCommand.ts'
import type { Engine } from '../engine.ts'
import { noteImage } from './event.ts'
import { requireFound, unknownImage } from './find.ts'

export interface MountedImage {
  readonly image: ImageSummary
  readonly path: HostPath
}

/**
 * `image mount`: shows what is in an image, read-only, in the mount namespace of `unshare`.
 * @returns the path; the same one where it is mounted already
 * @throws BryoError NOT_FOUND, AMBIGUOUS
 */
export function mountImage(engine: Engine, text: string): MountedImage {
  const { summary, name } = requireFound(readAllImages(engine.store), text)
  const image = readImage(engine.store, summary)
  if (!image) throw unknownImage(text)
  const path = mountPath(engine, image)
  if (mountPoints().has(path)) return { image, path }
  mkdirSync(path, { recursive: true, mode: 0o700 })
  mountLayers(engine, image, path)
  noteImage(engine.store, 'mount', { id: image.id, name: name ?? image.names[0] })
  return { image, path }
}

/** `image unmount`. @throws BryoError NOT_FOUND, INVALID_STATE where it is not mounted, IN_USE without `force` */
export function unmountImage(engine: Engine, text: string, force: boolean): MountedImage {
  const { summary } = requireFound(readAllImages(engine.store), text)
  const path = mountPath(engine, summary)
  if (!mountPoints().has(path)) {
    throw new BryoError('INVALID_STATE', `cannot unmount image "${text}": it is not mounted`)
  }
  unmountPath(path, force)
  removeMountPoint(path)
  noteImage(engine.store, 'unmount', { id: summary.id, name: summary.names[0] })
  return { image: summary, path }
}

/** What is mounted in the mount namespace of this process. */
export function mountedImages(engine: Engine): readonly MountedImage[] {
  const mounted = mountPoints()
  return readAllImages(engine.store)
    .map((image) => ({ image, path: mountPath(engine, image) }))
    .filter(({ path }) => mounted.has(path))
}

function mountPath({ store }: Engine, { id }: Pick<ImageSummary, 'id'>): HostPath {
  return hostPath(store.runRoot, 'images', digestHex(id).slice(0, 16))
}

/** In another `unshare` it may be mounted as well. */
function removeMountPoint(path: HostPath): void {
  try {
    rmdirSync(path)
  } catch (error) {
    if (!isErrno(error, 'EBUSY', 'ENOENT', 'ENOTEMPTY')) throw error
  }
}

function mountLayers(engine: Engine, { layers }: ImageRecord, target: HostPath): void {
  const { store, runInUserns, facts } = engine
  const searchPath = facts.env.PATH ?? ''
  // An overlay without an upper directory takes no single lower one.
  const lower = [...layers.map(({ diffId }) => layerDiffPath(store, diffId)).reverse(), store.empty]
  const driver = chooseDriver({ store, requested: storageDriver(engine), runInUserns, searchPath })
  // Relative paths keep 127 layers below the page that the kernel takes.
  chdir(store.dataRoot)
  const relative = lower.map((path) =>
    path.startsWith(`${store.dataRoot}/`) ? path.slice(store.dataRoot.length + 1) : path,
  )
  try {
    if (driver === 'overlay' && !layers.some(({ diffId }) => isSharedLayer(store, diffId))) {
      mount({ source: 'overlay', target, fstype: 'overlay', data: overlayData({ lower: relative }) })
    } else mountByFuse(requireFuseOverlay(searchPath), relative, target)
  } finally {
    chdir(facts.cwd)
  }
}

function mountByFuse(program: HostPath, lower: readonly string[], target: HostPath): void {
  const argv = ['fuse-overlayfs', '-o', `lowerdir=${lower.map(escapeOverlayOption).join(':')}`, target]
  const code = exitCodeOfStatus(waitForExit(spawnProgram({ path: program, argv, fds: [[2, 2]] })))
  if (code !== 0) throw new BryoError('MOUNT', `cannot mount "${target}": fuse-overlayfs ended with ${code}`)
}
