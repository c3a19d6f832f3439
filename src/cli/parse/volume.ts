import type { MountRequest } from '../../engine/container/request.ts'
import { checkBindOptions, checkTmpfsOptions } from './mountOptions.ts'
import { absoluteHostPath, containerPath } from './path.ts'

const VOLUME_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

/**
 * One `--volume`: `[[SOURCE:]TARGET[:OPTIONS]]`. A source that begins with `/` or `.` is a path of the host,
 * relative ones start at the working directory; any other is the name of a volume; none makes an anonymous one.
 * `\:` is a colon in a path.
 */
export function parseVolume(text: string, cwd: string): MountRequest {
  const parts = splitColons(text)
  const [first = '', second, third] = parts
  if (parts.length > 3) throw new Error('expected [SOURCE:]TARGET[:OPTIONS]')
  if (second === undefined) {
    return { type: 'volume', target: mountTarget(first), options: [] }
  }
  const options = checkBindOptions((third ?? '').split(',').filter((option) => option !== ''))
  const target = mountTarget(second)
  if (first === '') throw new Error('the source is empty')
  if (/^[/.]/.test(first)) return { type: 'bind', source: absoluteHostPath(first, cwd), target, options }
  return { type: 'volume', name: volumeName(first), target, options }
}

/** One `--tmpfs`: `TARGET[:OPTIONS]`. */
export function parseTmpfs(text: string): MountRequest {
  const [target = '', options = '', ...more] = splitColons(text)
  if (more.length > 0) throw new Error('expected TARGET[:OPTIONS]')
  const words = options.split(',').filter((option) => option !== '')
  return { type: 'tmpfs', target: mountTarget(target), options: checkTmpfsOptions(words) }
}

/** @throws an Error that says what a name may be made of */
export function volumeName(name: string): string {
  if (VOLUME_NAME.test(name)) return name
  const remedy = name.includes('/') ? `; for a directory, write ./${name}` : ''
  throw new Error(`the volume name "${name}" is not made of letters, digits, _ . and -${remedy}`)
}

/** Where something is mounted: absolute, and not the root itself. */
export function mountTarget(path: string): string {
  const target = containerPath(path)
  if (target === '/') throw new Error('nothing can be mounted on "/" of the container')
  return target
}

function splitColons(text: string): readonly string[] {
  return text.split(/(?<!\\):/).map((part) => part.replaceAll('\\:', ':'))
}
