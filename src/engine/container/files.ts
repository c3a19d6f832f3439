import { mkdirSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { ContainerId, HostPath } from '../../base/brand.ts'
import { containerRunDirectory } from '../../storage/container/record.ts'
import type { Engine } from '../engine.ts'

/** Where a container's generated files are: made anew at each start, so they need no disk. */
export function containerFilesDirectory({ store }: Engine, id: ContainerId): HostPath {
  return containerRunDirectory(store, id)
}

/** Writes the files that bryo brings into a container; gives their host paths by their place inside. */
export function writeContainerFiles(
  target: HostPath,
  files: Readonly<Record<string, string | Uint8Array | undefined>>,
): Readonly<Record<string, string>> {
  mkdirSync(target, { recursive: true, mode: 0o700 })
  const written: Record<string, string> = {}
  for (const [place, content] of Object.entries(files)) {
    if (content === undefined) continue
    const path = `${target}/${basename(place)}`
    // A user that is not root inside must be able to read it.
    writeFileSync(path, content, { mode: 0o644 })
    written[place] = path
  }
  return written
}
