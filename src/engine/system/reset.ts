import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { BryoError, isErrno, messageOf, unlessErrno } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { SIGKILL } from '../../base/signals.ts'
import { isContainerId } from '../../storage/container/record.ts'
import { isProcessAlive, type ProcessRef, readState } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { STORE_MARKER, type Store, storeAt } from '../../storage/store.ts'
import { removeTree } from '../../storage/tree/remove.ts'
import { ownFd, pollReadable } from '../../syscall/fd.ts'
import { killIfAlive, pidfdOpen } from '../../syscall/process.ts'
import { type Engine, type EngineOptions, openEngine } from '../engine.ts'

const KILL_WAIT_MS = 10_000

/**
 * Kills all containers and removes all that the store holds, also where it is damaged or of another version.
 * @throws BryoError PERMISSION for what remains: all else is gone then
 */
export function resetStore(facts: HostFacts, options: EngineOptions): void {
  const engine = openEngine(facts, options, storeAt)
  const { store } = engine
  checkIsStore(store)
  endContainers(store)
  // Who follows the events has the file open; nobody else will see any of them.
  appendEvent(store, { type: 'system', action: 'reset', id: '', name: '' })
  const runRoot = isOurs(store) ? store.runRoot : store.containerRuns
  const problems = [...emptyDirectory(engine, store.dataRoot), ...emptyDirectory(engine, runRoot)]
  const [first] = problems
  if (!first) return
  throw new BryoError(
    'PERMISSION',
    `cannot remove all of the store: ${problems.length} things remain, the first because: ${messageOf(first)}`,
    {
      hint: `files of ids that you were granted once need root: rm -rf ${store.dataRoot}`,
      cause: first,
    },
  )
}

/** A directory that --root has named by mistake keeps what it has. */
function checkIsStore({ dataRoot }: Store): void {
  const names = list(dataRoot)
  if (names.length === 0 || names.some((name) => name.startsWith(STORE_MARKER))) return
  throw new BryoError(
    'STORAGE',
    `cannot reset "${dataRoot}": it holds "${names[0]}" and no ${STORE_MARKER}, expected a store of bryo`,
    { hint: 'remove it yourself where it is the rest of a store' },
  )
}

/** `--runroot` may name a directory that others use too. */
function isOurs({ dataRoot, runRoot }: Store): boolean {
  return basename(runRoot) === 'bryo' || runRoot.startsWith(`${dataRoot}/`)
}

/** The monitor first, which might start the container again. */
function endContainers(store: Store): void {
  for (const id of list(store.containers).filter(isContainerId)) {
    for (const process_ of processesOf(store, id)) endProcess(process_)
  }
}

function processesOf(store: Store, id: Parameters<typeof readState>[1]): readonly ProcessRef[] {
  try {
    const state = readState(store, id)
    if (state.status === 'created') return []
    if (state.status === 'exited') return state.restarting ? [state.restarting] : []
    return [...(state.monitor ? [state.monitor] : []), state.process]
  } catch (error) {
    if (error instanceof BryoError && error.code === 'STORAGE') return []
    throw error
  }
}

/** With init, every process of the container goes. */
function endProcess(process_: ProcessRef): void {
  try {
    using handle = ownFd(pidfdOpen(process_.pid))
    if (!isProcessAlive(process_)) return
    killIfAlive(process_.pid, SIGKILL)
    pollReadable(handle.fd, KILL_WAIT_MS)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

/** @returns why some of it remains */
function emptyDirectory({ runInUserns }: Engine, directory: string): readonly unknown[] {
  return list(directory).flatMap((name) => {
    try {
      removeTree(hostPath(directory, name), { runInUserns })
      return []
    } catch (error) {
      return [error]
    }
  })
}

function list(directory: string): readonly string[] {
  return unlessErrno(() => readdirSync(directory), 'ENOENT', 'ENOTDIR') ?? []
}
