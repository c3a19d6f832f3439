import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { SpecMount } from '../../runtime/spec.ts'
import type { Lock } from '../../storage/lock.ts'
import {
  anonymousVolumeName,
  ensureVolume,
  finishCopyUp,
  lockVolume,
  requireVolume,
  type Volume,
} from '../../storage/volume/volumes.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { copyUpOption, isFilledOnce, volumeMount } from '../volume/content.ts'
import { subordinateRoot } from './ownership.ts'
import type { ContainerRequest, MountRequest } from './request.ts'

/** A volume of a container, by the name that it has got. */
export interface VolumeUse {
  readonly name: string
  readonly target: string
  readonly options: readonly string[]
  readonly anonymous: boolean
}

/** The volumes of a request and its image, each with its name; makes none of them. */
export function planVolumes(
  request: ContainerRequest,
  image: Pick<ImageConfig, 'volumes'> | undefined,
): readonly VolumeUse[] {
  const asked = request.mounts.flatMap((mount) => (mount.type === 'volume' ? [volumeUse(mount)] : []))
  const declared = request.imageVolumes === undefined ? declaredTargets(request, image) : []
  return [
    ...asked,
    ...declared.map((target) => ({ name: anonymousVolumeName(), target, options: [], anonymous: true })),
  ]
}

/** `--image-volume tmpfs`: a request with the image's volumes as mounts in memory. */
export function withImageVolumes(
  request: ContainerRequest,
  image: Pick<ImageConfig, 'volumes'> | undefined,
): ContainerRequest {
  if (request.imageVolumes !== 'tmpfs') return request
  const mounts = declaredTargets(request, image).map(
    (target): MountRequest => ({ type: 'tmpfs', target, options: ['exec'] }),
  )
  return { ...request, mounts: [...request.mounts, ...mounts] }
}

/** Where the image declares volumes that the request says nothing of. */
function declaredTargets(
  { mounts }: ContainerRequest,
  image: Pick<ImageConfig, 'volumes'> | undefined,
): readonly string[] {
  const taken = new Set(mounts.map((mount) => normalise(mount.target)))
  return (image?.volumes ?? [])
    .map(normalise)
    .filter((target) => target !== '/' && !isOfKernel(target) && !taken.has(target))
}

/** What an image declares there is left out: it would hide the kernel's files, and what protects them. */
function isOfKernel(target: string): boolean {
  return ['/proc', '/sys', '/dev'].some((path) => target === path || target.startsWith(`${path}/`))
}

function volumeUse(mount: MountRequest & { readonly type: 'volume' }): VolumeUse {
  const anonymous = mount.name === undefined
  return {
    name: mount.name ?? anonymousVolumeName(),
    target: normalise(mount.target),
    options: mount.options,
    anonymous,
  }
}

/** `:O`: what is written stays with the container. */
export function isOverlay({ options }: { readonly options: readonly string[] }): boolean {
  return options.includes('O')
}

/** `..` and doubled slashes resolved as text; the container's links are resolved by the kernel later. */
export function normalise(target: string): string {
  return resolve('/', target)
}

/** Makes the volumes that are missing; the container's record must name them already. */
export function makeVolumes(engine: Engine, uses: readonly VolumeUse[]): void {
  if (uses.length === 0) return
  const created = new Date().toISOString()
  const owner = subordinateRoot(engine, defaultMaps(engine))
  for (const { name, anonymous, options } of uses) {
    ensureVolume(engine.store, { name, created, anonymous, needsCopyUp: !options.includes('nocopy'), owner })
  }
}

export interface VolumeMounts extends Disposable {
  readonly mounts: readonly SpecMount[]
  /** The volumes that were new have their content now. */
  finish(): void
}

/** The volumes as mounts; a new one stays locked until its content is there. */
export function mountVolumes(engine: Engine, uses: readonly VolumeUse[]): VolumeMounts {
  const stack = new DisposableStack()
  const filling: string[] = []
  const mounts = uses
    .filter((use) => !isOverlay(use))
    .map((use) => {
      const { volume, lock } = openVolume(engine, use.name)
      if (lock) {
        stack.use(lock)
        filling.push(use.name)
      }
      const asked = use.options.filter((option) => option !== 'copy')
      const fill = lock !== undefined || (!isFilledOnce(volume) && !asked.includes('nocopy'))
      return volumeMount(volume, use.target, [...asked, ...(fill ? copyUpOption(volume) : [])])
    })
  return {
    mounts,
    finish: () => {
      for (const name of filling) finishCopyUp(engine.store, name)
      // The container may run for long: nobody who wants the volume is to wait for its end.
      stack.dispose()
    },
    [Symbol.dispose]: () => stack.dispose(),
  }
}

function openVolume(
  { store }: Engine,
  name: string,
): { readonly volume: Volume; readonly lock: Lock | undefined } {
  const volume = requireVolume(store, name)
  if (!volume.needsCopyUp || !isFilledOnce(volume)) return { volume, lock: undefined }
  const lock = lockVolume(store, name)
  const fresh = requireVolume(store, name)
  if (fresh.needsCopyUp) return { volume: fresh, lock }
  lock.release()
  return { volume: fresh, lock: undefined }
}

/** The mounts that need nothing of the store. @throws BryoError NOT_FOUND, PERMISSION for a source that cannot be used */
export function plainMounts(request: ContainerRequest): readonly SpecMount[] {
  return request.mounts.flatMap((mount): readonly SpecMount[] => {
    const destination = normalise(mount.target)
    switch (mount.type) {
      case 'bind':
        checkSource(mount.source)
        if (isOverlay(mount)) return []
        return [{ destination, type: 'bind', source: mount.source, options: bindOptions(mount.options) }]
      case 'tmpfs':
        return [{ destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(mount.options) }]
      case 'devpts':
      case 'mqueue':
        return [{ destination, type: mount.type, source: mount.type, options: mount.options }]
      default:
        return []
    }
  })
}

function bindOptions(options: readonly string[]): readonly string[] {
  const recursion = options.includes('bind') ? [] : ['rbind']
  return [...recursion, ...['nosuid', 'nodev'].filter((flag) => !options.includes(flag.slice(2))), ...options]
}

/** As Podman, a tmpfs starts with what the image has at its place. */
function tmpfsOptions(options: readonly string[]): readonly string[] {
  const mode = options.some((option) => option.startsWith('mode=')) ? [] : ['mode=1777']
  const flags = ['nosuid', 'nodev', 'noexec'].filter((flag) => !options.includes(flag.slice(2)))
  return [
    ...flags,
    ...mode,
    ...(options.includes('notmpcopyup') ? [] : ['copy']),
    ...options.filter((option) => option !== 'tmpcopyup' && option !== 'notmpcopyup'),
  ]
}

function checkSource(source: string): void {
  try {
    statSync(source)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) {
      throw new BryoError('NOT_FOUND', `statfs ${source}: no such file or directory`, {
        hint: 'make the source first, or name a volume without a slash',
      })
    }
    if (isErrno(error, 'ENAMETOOLONG', 'ELOOP'))
      throw new BryoError('USAGE', `cannot use volume source "${source}": ${messageOf(error)}`, {
        cause: error,
      })
    if (isErrno(error, 'EACCES'))
      throw new BryoError('PERMISSION', `cannot use volume source "${source}": permission denied`, {
        hint: 'the caller must be able to enter every directory of the path',
      })
    throw error
  }
}
