import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { unlessErrno } from '../../../base/errors.ts'
import { shortId } from '../../../base/shortId.ts'
import { clearStaleName, isStaleName } from '../../../storage/container/names.ts'
import { isContainerId } from '../../../storage/container/record.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { unlinkIfThere } from '../../../storage/lock.ts'
import { removeTree } from '../../../storage/tree/remove.ts'
import { workName } from '../../../storage/work.ts'
import type { Engine } from '../../engine.ts'
import { attempt } from './containers.ts'
import type { Finding } from './finding.ts'

/** What belongs to nothing any more: names, runtime directories, places of work, temporary files. */
export function checkLeftovers(engine: Engine): readonly Finding[] {
  return [
    ...checkNames(engine),
    ...checkRunDirectories(engine),
    ...checkWorkplaces(engine),
    ...checkTemporary(engine),
  ]
}

function isContainer({ store }: Engine, id: string): boolean {
  return (
    existsSync(hostPath(store.containers, id)) ||
    existsSync(hostPath(store.pending, workName('container', id)))
  )
}

function checkNames({ store }: Engine): readonly Finding[] {
  return readdirSync(store.names)
    .filter((name) => attempt(() => isStaleName(store, name)) === true)
    .sort()
    .map((name) => {
      const mend = () => clearStaleName(store, name)
      return { subject: `name ${name}`, problem: 'no container has it', remedy: 'given up', mend }
    })
}

/** A runtime directory that several stores share may hold another one's: only that of a pair of the two is looked at. */
function checkRunDirectories(engine: Engine): readonly Finding[] {
  const { store, options, runInUserns } = engine
  if ((options.root === undefined) !== (options.runroot === undefined)) return []
  return list(store.containerRuns)
    .filter((id) => isContainerId(id) && !isContainer(engine, id))
    .map((id) => ({
      subject: `runtime directory ${shortId(id)}`,
      problem: 'there is no such container',
      remedy: 'removed',
      mend: () => removeTree(hostPath(store.containerRuns, id), { runInUserns }),
    }))
}

/** A place whose work is not pending: recovery would never look at it. */
function checkWorkplaces({ store, runInUserns }: Engine): readonly Finding[] {
  return readdirSync(store.tmp)
    .filter((name) => !existsSync(hostPath(store.pending, name)))
    .map((name) => ({
      subject: `tmp/${name}`,
      problem: 'nobody works on it',
      remedy: 'removed',
      mend: () => removeTree(hostPath(store.tmp, name), { runInUserns }),
    }))
}

const TEMPORARY = /\.(\d+)\.\d+~$/
const OLD_MS = 60_000

/** Of files that were about to be replaced. */
function checkTemporary({ store }: Engine): readonly Finding[] {
  const directories = [
    store.dataRoot,
    store.images,
    ...list(store.containers).map((id) => hostPath(store.containers, id)),
    ...list(store.volumes).map((name) => hostPath(store.volumes, name)),
  ]
  return directories.flatMap((directory) =>
    list(directory)
      .filter((name) => TEMPORARY.test(name) && isOld(hostPath(directory, name)))
      .map((name) => ({
        subject: hostPath(directory, name).slice(store.dataRoot.length + 1),
        problem: 'a file that was never finished',
        remedy: 'removed',
        mend: () => unlinkIfThere(hostPath(directory, name)),
      })),
  )
}

function isOld(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found !== undefined && Date.now() - found.mtimeMs > OLD_MS
}

function list(directory: string): readonly string[] {
  return unlessErrno(() => readdirSync(directory), 'ENOENT', 'ENOTDIR') ?? []
}
