import { existsSync, readlinkSync, symlinkSync } from 'node:fs'
import type { ContainerId } from '../../base/brand.ts'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import { hostPath } from '../hostPath.ts'
import { acquireLock, type Lock, unlinkIfThere } from '../lock.ts'
import { withSpaceErrors } from '../space.ts'
import type { Store } from '../store.ts'
import { workName } from '../work.ts'
import { isContainerId, readContainer } from './record.ts'
import { composeName } from './words.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const LONGEST = 255

/** The rule for names of containers and volumes. */
export function isContainerName(text: string): boolean {
  return NAME.test(text) && text.length <= LONGEST
}

/** @throws BryoError USAGE */
export function checkName(kind: 'container' | 'volume', name: string): void {
  if (isContainerName(name)) return
  throw new BryoError(
    'USAGE',
    `invalid ${kind} name "${name.slice(0, LONGEST)}": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]* and have at most ${LONGEST} characters`,
  )
}

/**
 * Reserves a name, or two random words where none is given, for the container. Work on the container must have begun: that
 * is what tells a name in use from one that a killed process left.
 * @throws BryoError USAGE, NAME_IN_USE
 */
export function reserveName(store: Store, id: ContainerId, wanted: string | undefined): string {
  if (wanted !== undefined) {
    checkName('container', wanted)
    const owner = tryReserve(store, wanted, id)
    if (owner === id) return wanted
    throw nameInUse(wanted, owner)
  }
  for (let attempt = 0; ; attempt += 1) {
    const words = composeName(Math.random)
    // Where thousands of containers have most of the pairs, digits make a free one.
    const name =
      attempt < 10 ? words : `${words}_${Math.floor(Math.random() * 10 ** Math.min(attempt - 8, 9))}`
    if (tryReserve(store, name, id) === id) return name
  }
}

function nameInUse(name: string, owner: string): BryoError {
  return new BryoError('NAME_IN_USE', `the container name "${name}" is already in use by ${owner}`, {
    hint: 'remove that container, take another name, or use --replace',
  })
}

/** @returns who has the name now */
function tryReserve(store: Store, name: string, id: ContainerId): string {
  const path = hostPath(store.names, name)
  for (;;) {
    try {
      withSpaceErrors(path, () => symlinkSync(id, path))
      return id
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
    const owner = readOwner(path)
    if (owner === undefined) continue
    if (isCalled(store, owner, name)) return owner
    clearStaleName(store, name)
  }
}

/** Whether no container is called so (any more): the container is gone, or has another name. */
export function isStaleName(store: Store, name: string): boolean {
  const owner = readOwner(hostPath(store.names, name))
  return owner !== undefined && !isCalled(store, owner, name)
}

/** Under a lock, so that two processes that see the same stale name cannot clear the other's new one. */
export function clearStaleName(store: Store, name: string): void {
  using _lock = lockNames(store)
  const path = hostPath(store.names, name)
  const owner = readOwner(path)
  if (owner !== undefined && !isCalled(store, owner, name)) unlinkIfThere(path)
}

/** Held while a name is cleared or changed, and while a container's record is replaced. */
export function lockNames(store: Store): Lock {
  return acquireLock(hostPath(store.dataRoot, 'names.lock'), { mode: 'exclusive', wait: true })
}

/**
 * Links a further name to a container that has one. {@link lockNames} must be held: until the record says the name, it looks
 * like one that a killed process left.
 * @throws BryoError NAME_IN_USE
 */
export function linkName(store: Store, id: ContainerId, name: string): void {
  const path = hostPath(store.names, name)
  for (;;) {
    try {
      withSpaceErrors(path, () => symlinkSync(id, path))
      return
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
    const owner = readOwner(path)
    if (owner === id) return
    if (owner !== undefined && isCalled(store, owner, name)) throw nameInUse(name, owner)
    unlinkIfThere(path)
  }
}

/** Gives up the name where it is the container's. Its work goes on, so nobody else takes the name meanwhile. */
export function releaseName(store: Store, name: string, id: ContainerId): void {
  const path = hostPath(store.names, name)
  if (readOwner(path) === id) unlinkIfThere(path)
}

/** Whether the container is called so; one that is being made or removed counts, whatever its name. */
function isCalled(store: Store, id: string, name: string): boolean {
  if (existsSync(hostPath(store.pending, workName('container', id)))) return true
  return isContainerId(id) && readContainer(store, id)?.name === name
}

function readOwner(path: string): string | undefined {
  return unlessErrno(() => readlinkSync(path), 'ENOENT')
}
