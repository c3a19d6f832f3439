import { lchownSync, readdirSync } from 'node:fs'
import { type IdMaps, rootIds, toHostId } from '../../base/idmap.ts'
import type { Engine } from '../engine.ts'

/**
 * Gives what bryo has just made for a container, and what lies directly in it, to the container's root. An ordinary user is that root, so this is
 * for bryo started as root, whose containers have subordinate ids.
 */
export function giveToContainerRoot({ facts }: Engine, maps: IdMaps, paths: readonly string[]): void {
  if (facts.uid !== 0) return
  const root = rootIds(maps)
  const [uid, gid] = [toHostId(maps.uid, root.uid), toHostId(maps.gid, root.gid)]
  if (uid === undefined || gid === undefined) return
  for (const path of paths) {
    lchownSync(path, uid, gid)
    for (const name of readdirSync(path)) lchownSync(`${path}/${name}`, uid, gid)
  }
}
