import { readdirSync, renameSync } from 'node:fs'
import type { ContainerId } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { hostPath } from '../hostPath.ts'
import { fieldsOf, readJsonFile } from '../json.ts'
import type { RunInUserns } from '../runInUserns.ts'
import type { Store } from '../store.ts'
import { removeTree } from '../tree/remove.ts'
import { removeVolumeIfUnused } from '../volume/remove.ts'
import { tryBeginWork, type Work, workName } from '../work.ts'
import { readNameLink } from './find.ts'
import { releaseName } from './names.ts'
import { containerDirectory, containerRunDirectory } from './record.ts'

export interface RemoveContainerOptions {
  /** The container's own work, where this process holds it. */
  readonly work?: Work
  readonly runInUserns?: RunInUserns | undefined
  /** Its anonymous volumes too, as `rm -v` and `--rm` do. */
  readonly removeVolumes: boolean
}

/**
 * Removes the container's record, name, files and runtime directory; its processes must be gone. One step makes it
 * invisible; what follows is taken up by recoverStore() where this process is killed.
 * @throws BryoError IN_USE where another process makes or removes it, or something is mounted in it
 */
export function removeContainer(store: Store, id: ContainerId, options: RemoveContainerOptions): void {
  const work = options.work ?? beginRemoval(store, id)
  try {
    hide(store, id, work)
    const { name, anonymousVolumes } = readLeftover(store, id, work)
    if (name !== undefined) releaseName(store, name, id)
    removeTree(containerRunDirectory(store, id), options)
    if (options.removeVolumes) {
      for (const volume of anonymousVolumes) removeVolumeIfUnused(store, volume, options.runInUserns)
    }
    removeTree(work.path, options)
    work.finish()
  } catch (error) {
    work.lock.release()
    throw error
  }
}

function beginRemoval(store: Store, id: ContainerId): Work {
  const work = tryBeginWork(store, workName('container', id))
  if (work) return work
  throw new BryoError('IN_USE', `cannot remove container ${shortId(id)}: another process makes or removes it`)
}

function hide(store: Store, id: ContainerId, work: Work): void {
  try {
    renameSync(containerDirectory(store, id), work.path)
  } catch (error) {
    // Hidden by a process that was killed after it, or killed before it made the directory.
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

interface Leftover {
  readonly name: string | undefined
  readonly anonymousVolumes: readonly string[]
}

/** Also of a container whose record was never written, or did not survive a power cut. */
function readLeftover(store: Store, id: ContainerId, work: Work): Leftover {
  const path = hostPath(work.path, 'container.json')
  try {
    const content = readJsonFile(path)
    if (content !== undefined) {
      const fields = fieldsOf(content, path)
      return { name: fields.text('name'), anonymousVolumes: fields.texts('anonymousVolumes') }
    }
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
  }
  const name = readdirSync(store.names).find((candidate) => readNameLink(store, candidate) === id)
  return { name, anonymousVolumes: [] }
}
