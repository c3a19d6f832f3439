import { closeSync, openSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { escapeOverlayOption } from '../../base/overlayOption.ts'
import { O } from '../../syscall/file.ts'
import { mount } from '../../syscall/mount.ts'
import { chdir } from '../../syscall/process.ts'

/** The directories of an overlay, the topmost lower one first; without an upper one it is read-only. */
export interface OverlayDirectories {
  readonly lower: readonly string[]
  readonly upper?: string | undefined
  readonly work?: string | undefined
  readonly volatile?: boolean
  /** SELinux label of all files. */
  readonly label?: string | undefined
}

/** The options of mount(2). @see Documentation/filesystems/overlayfs.rst */
export function overlayData({ lower, upper, work, volatile, label }: OverlayDirectories): string {
  return [
    `lowerdir=${lower.map(escapeOverlayOption).join(':')}`,
    ...(upper === undefined ? [] : [`upperdir=${escapeOverlayOption(upper)}`]),
    ...(work === undefined ? [] : [`workdir=${escapeOverlayOption(work)}`]),
    'userxattr',
    ...(volatile ? ['volatile'] : []),
    // In quotes, as its categories have a comma between them.
    ...(label === undefined ? [] : [`context="${label}"`]),
  ].join(',')
}

/** An overlay whose directories are open already, so that who mounts it needs no way to them. */
export interface OpenOverlay {
  /** The names are numbers of fds. */
  readonly directories: OverlayDirectories
  /** Where it is mounted: a directory's fd, and a name in it. */
  readonly place: number
  readonly name: string
}

/** @param base where relative directories start */
export function openOverlay(directories: OverlayDirectories, target: string, base = '/'): OpenOverlay {
  const open = (path: string) => openDirectory(resolve(base, path))
  const { lower, upper, work, volatile = false, label } = directories
  return {
    directories: {
      lower: lower.map((path) => String(open(path))),
      upper: upper === undefined ? undefined : String(open(upper)),
      work: work === undefined ? undefined : String(open(work)),
      volatile,
      label,
    },
    place: openDirectory(dirname(target)),
    name: basename(target),
  }
}

/** Mounts it and closes its fds; gives an O_PATH fd of its root. */
export function mountOpenOverlay({ directories, place, name }: OpenOverlay): number {
  const target = `${place}/${name}`
  // The fds' links lead to the directories themselves, past all that lies on the way to them.
  chdir('/proc/self/fd')
  mount({ source: 'overlay', target, fstype: 'overlay', data: overlayData(directories) })
  const root = openDirectory(`/proc/self/fd/${target}`)
  chdir('/')
  const { lower, upper, work } = directories
  for (const fd of [...lower, upper, work]) if (fd !== undefined) closeSync(Number(fd))
  closeSync(place)
  return root
}

export function openDirectory(path: string): number {
  return openSync(path, O.path | O.directory | O.cloexec)
}
