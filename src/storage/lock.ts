import { closeSync, constants, fstatSync, linkSync, openSync, statSync, unlinkSync } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { sleep } from '../base/sleep.ts'
import { flock } from '../syscall/fd.ts'
import { randomHex } from './randomHex.ts'
import { explainSpace } from './space.ts'

/**
 * A held flock(2). The kernel lets go of it when the last copy of `fd` is closed, so also when the process is
 * killed; a forked child shares it until it ends or executes another program.
 */
export interface Lock extends Disposable {
  readonly path: string
  readonly fd: number
  release(): void
  /** Unlinks the lock file, then releases; for exclusive locks. */
  remove(): void
}

export interface LockOptions {
  readonly mode: 'exclusive' | 'shared'
  /** Block until it is free. */
  readonly wait: boolean
  /** Make the file where it is missing; true by default. */
  readonly create?: boolean
}

const FLAGS = constants.O_RDWR | constants.O_NOFOLLOW

/**
 * Locks a file, which is created where missing unless `create` is false. Where another process removed or replaced it while this one waited,
 * the new file is locked instead: whoever holds the lock holds it on the file that has the name.
 * @returns undefined only where `wait` is false and another process holds it, or `create` is false and there is no file
 */
export function acquireLock(
  path: string,
  options: { readonly mode: LockOptions['mode']; readonly wait: true; readonly create?: true },
): Lock
export function acquireLock(path: string, options: LockOptions): Lock | undefined
export function acquireLock(path: string, { mode, wait, create = true }: LockOptions): Lock | undefined {
  for (;;) {
    const fd = openLockFile(path, create)
    if (fd === undefined) return undefined
    let held = false
    try {
      if (!flock(fd, mode, { wait })) return undefined
      held = hasName(fd, path)
      if (held) return holdLock(path, fd)
    } finally {
      if (!held) closeSync(fd)
    }
  }
}

/**
 * Makes a lock file that is held from the moment it has its name: nobody can find it unlocked.
 * @returns undefined where there is one of the name already
 */
export function createLock(path: string): Lock | undefined {
  for (;;) {
    const unnamed = `${path}.${randomHex(4)}`
    const fd = openNew(unnamed)
    const lock = holdLock(unnamed, fd)
    // Recovery may have seen it first, and removes it.
    if (!flock(fd, 'exclusive', { wait: false })) {
      lock.release()
      continue
    }
    try {
      linkSync(unnamed, path)
      unlinkIfThere(unnamed)
      return holdLock(path, fd)
    } catch (error) {
      lock.remove()
      if (isErrno(error, 'EEXIST')) return undefined
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }
}

const LOOK_AGAIN_MS = 10

/** As {@link acquireLock} with `wait`, but for so long at most. @returns undefined where it was never free */
export function acquireLockWithin(
  path: string,
  { mode, patienceMs }: { readonly mode: LockOptions['mode']; readonly patienceMs: number },
): Lock | undefined {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const lock = acquireLock(path, { mode, wait: false })
    if (lock || performance.now() >= deadline) return lock
    sleep(LOOK_AGAIN_MS)
  }
}

const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 200

/**
 * As {@link acquireLock} of an exclusive lock, without standing still: for work that goes on while another process holds the lock. Two
 * pulls that wait for each other's downloads would never end if they blocked.
 */
export async function waitForLock(path: string): Promise<Lock> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const lock = acquireLock(path, { mode: 'exclusive', wait: false })
    if (lock) return lock
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** Takes over a lock that this process inherited as an open fd. */
export function holdLock(path: string, fd: number): Lock {
  let open = true
  const release = () => {
    if (!open) return
    open = false
    closeSync(fd)
  }
  const remove = () => {
    if (open) unlinkIfThere(path)
    release()
  }
  return { path, fd, release, remove, [Symbol.dispose]: release }
}

function openLockFile(path: string, create: boolean): number | undefined {
  try {
    return openSync(path, create ? FLAGS | constants.O_CREAT : FLAGS, 0o600)
  } catch (error) {
    if (!create && isErrno(error, 'ENOENT')) return undefined
    throw explainSpace(error, path)
  }
}

function openNew(path: string): number {
  try {
    return openSync(path, FLAGS | constants.O_CREAT | constants.O_EXCL, 0o600)
  } catch (error) {
    throw explainSpace(error, path)
  }
}

function hasName(fd: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false })
  if (!named) return false
  const locked = fstatSync(fd)
  return named.ino === locked.ino && named.dev === locked.dev
}

/** unlink(2) that accepts that the file is gone. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
