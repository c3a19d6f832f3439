import { closeSync } from 'node:fs'
import { BryoError } from '../../../../base/errors.ts'
import { baseNameOf, parentOf, quotePath } from '../../../../storage/apply/layerPath.ts'
import { openNode } from '../../../../storage/tree/node.ts'
import { type Dress, dressNode, type PlaceOptions, placeDirectory } from '../../../../storage/tree/place.ts'

/** The directories on the way to the last path that was asked for, each open. */
export interface DirectoryTrail extends Disposable {
  /** The directory that holds a path, and the last name; directories that are missing are made. The fd is the trail's own. */
  parentOf(path: Buffer): { readonly dirfd: number; readonly name: Buffer }
}

interface Step {
  readonly name: Buffer
  readonly fd: number
}

const SLASH = 0x2f
const IMPLICIT: Dress = {
  type: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  xattrs: new Map(),
}

/** @param rootFd stays the caller's */
export function trailFrom(rootFd: number, options: PlaceOptions): DirectoryTrail {
  const steps: Step[] = []
  const leaveTo = (depth: number): void => {
    for (const { fd } of steps.splice(depth)) closeSync(fd)
  }
  return {
    parentOf: (path) => {
      const names = componentsOf(parentOf(path))
      leaveTo(commonDepth(steps, names))
      for (const name of names.slice(steps.length)) {
        const dirfd = steps.at(-1)?.fd ?? rootFd
        steps.push({ name, fd: openStep(dirfd, name, options) })
      }
      return { dirfd: steps.at(-1)?.fd ?? rootFd, name: baseNameOf(path) }
    },
    [Symbol.dispose]: () => leaveTo(0),
  }
}

function commonDepth(steps: readonly Step[], names: readonly Buffer[]): number {
  const different = steps.findIndex((step, index) => !names[index]?.equals(step.name))
  return different === -1 ? steps.length : different
}

function componentsOf(path: Buffer): readonly Buffer[] {
  if (path.length === 0) return []
  const names: Buffer[] = []
  for (let start = 0; start <= path.length; ) {
    const slash = path.indexOf(SLASH, start)
    const end = slash === -1 ? path.length : slash
    names.push(path.subarray(start, end))
    start = end + 1
  }
  return names
}

function openStep(dirfd: number, name: Buffer, options: PlaceOptions): number {
  const found = openNode(dirfd, name)
  if (found?.facts.type === 'directory') return found.fd
  found?.[Symbol.dispose]()
  if (found) {
    throw new BryoError(
      'USAGE',
      `cannot copy into ${quotePath(name)}: it is a ${found.facts.type}, expected a directory`,
    )
  }
  return makeStep(dirfd, name, options)
}

/** A directory that the archive does not describe. */
function makeStep(dirfd: number, name: Buffer, options: PlaceOptions): number {
  const { fd } = placeDirectory(dirfd, name, options)
  dressNode(fd, IMPLICIT, options)
  return fd
}
