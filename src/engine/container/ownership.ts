import { chmodSync, existsSync, fchownSync, lchownSync, lstatSync, readdirSync } from 'node:fs'
import type { HostIds } from '../../base/hostIds.ts'
import { type IdMaps, rootIds, toHostId } from '../../base/idmap.ts'
import { isAnonymousPipe } from '../../runtime/stage/execute.ts'
import type { Engine } from '../engine.ts'

/**
 * Who the container's root is on the host, where that is not the caller: bryo was started as root, whose containers have
 * subordinate ids. Undefined for an ordinary user.
 */
export function subordinateRoot({ facts }: Engine, maps: IdMaps): HostIds | undefined {
  if (facts.uid !== 0) return undefined
  const inside = rootIds(maps)
  const [uid, gid] = [toHostId(maps.uid, inside.uid), toHostId(maps.gid, inside.gid)]
  return uid === undefined || gid === undefined ? undefined : { uid, gid }
}

/** Gives to the container's root what bryo has just made for it. What belongs to somebody already stays theirs. */
export function giveToContainerRoot(root: HostIds | undefined, paths: readonly string[]): void {
  if (!root) return
  for (const path of paths) {
    if (lstatSync(path).uid === 0) lchownSync(path, root.uid, root.gid)
  }
}

/**
 * Lets the container's root pass directories that it has been led to: it finds names that it knows, and changes
 * nothing. Who has not been led there does not get to it, the store being closed.
 */
export function letContainerRootPass(root: HostIds | undefined, directories: readonly string[]): void {
  if (!root) return
  for (const directory of directories) {
    lchownSync(directory, 0, root.gid)
    chmodSync(directory, 0o710)
  }
}

/** The mounts of overlayMounts(): a directory each, with the directories of the mount in it. */
export function giveOverlays(root: HostIds | undefined, directory: string): void {
  if (!root || !existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    const place = `${directory}/${name}`
    letContainerRootPass(root, [place])
    giveToContainerRoot(
      root,
      readdirSync(place).map((entry) => `${place}/${entry}`),
    )
  }
}

/** Pipes of the caller's, so that /dev/stdout can be opened inside: their names on the host are of no use to anybody. */
export function givePipesToContainerRoot(root: HostIds | undefined, fds: readonly number[]): void {
  if (!root) return
  for (const fd of fds) {
    if (isAnonymousPipe(fd)) fchownSync(fd, root.uid, root.gid)
  }
}
