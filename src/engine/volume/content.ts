import { readdirSync, statSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { SpecMount } from '../../runtime/spec.ts'
import type { Volume } from '../../storage/volume/volumes.ts'
import { parseVolumeOptions } from './options.ts'

/**
 * The directory on the host that holds a volume's content.
 * @throws BryoError UNSUPPORTED for a tmpfs, which has content in running containers only; NOT_FOUND, PERMISSION for a
 *   directory of the host that cannot be used
 */
export function contentDirectory(volume: Volume): string {
  const content = parseVolumeOptions(volume.options)
  switch (content.kind) {
    case 'directory':
      return volume.path
    case 'bind':
      checkDirectory(volume, content.device)
      return content.device
    case 'tmpfs':
      throw new BryoError(
        'UNSUPPORTED',
        `cannot use the content of volume "${volume.name}": it is a tmpfs, which only a running container has`,
      )
  }
}

/** As a mount at `destination`, with what the container asks for beside the volume's own options. */
export function volumeMount(volume: Volume, destination: string, asked: readonly string[]): SpecMount {
  const content = parseVolumeOptions(volume.options)
  const flags = ['nosuid', 'nodev']
  if (content.kind === 'tmpfs') {
    const mode = content.mountOptions.some((option) => option.startsWith('mode=')) ? [] : ['mode=0755']
    const options = [...flags, ...mode, ...content.mountOptions, ...asked]
    return { destination, type: 'tmpfs', source: 'tmpfs', options }
  }
  if (content.kind === 'directory') {
    return { destination, type: 'bind', source: volume.path, options: ['rbind', ...flags, ...asked] }
  }
  const own = content.mountOptions.filter((option) => option !== 'bind' && option !== 'rbind')
  const recursion =
    content.mountOptions.includes('bind') && !content.mountOptions.includes('rbind') ? 'bind' : 'rbind'
  const source = contentDirectory(volume)
  return { destination, type: 'bind', source, options: [recursion, ...flags, ...own, ...asked] }
}

/**
 * The mount option with which a new volume gets what the image has: nothing where a user's directory has something already.
 */
export function copyUpOption(volume: Volume): readonly string[] {
  const content = parseVolumeOptions(volume.options)
  if (!content.copyUp) return []
  if (content.kind === 'bind') return readdirSync(contentDirectory(volume)).length === 0 ? ['copy'] : []
  if (content.kind === 'tmpfs') return ['copy']
  const { uid, gid } = content.owner
  return uid === undefined && gid === undefined ? ['copy'] : ['copycontent']
}

/** A tmpfs is new in each container. */
export function isFilledOnce(volume: Volume): boolean {
  return parseVolumeOptions(volume.options).kind !== 'tmpfs'
}

function checkDirectory(volume: Volume, device: string): void {
  const refuse = (code: 'NOT_FOUND' | 'PERMISSION' | 'USAGE', found: string, cause?: unknown): never => {
    throw new BryoError(
      code,
      `cannot use volume "${volume.name}": its device "${device}" ${found}, expected a directory`,
      { cause },
    )
  }
  try {
    if (!statSync(device).isDirectory()) refuse('USAGE', 'is a file')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) refuse('NOT_FOUND', 'is not there', error)
    if (isErrno(error, 'EACCES')) refuse('PERMISSION', 'is out of reach', error)
    throw error
  }
}
