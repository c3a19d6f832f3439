import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { foreignNamespace, type NamespaceJoin } from '../../runtime/stage/namespaces.ts'
import { readContainers, requireContainer } from '../../storage/container/find.ts'
import { effectiveState, isLive, isProcessAlive, type ProcessRef } from '../../storage/container/state.ts'
import { ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { FS_MAGIC, filesystemTypeOfFd } from '../../syscall/mount.ts'
import { NAMESPACE_FILE, type NamespaceType, namespaceType, openOwner } from '../../syscall/namespace.ts'
import type { Engine } from '../engine.ts'
import { type JoinRequest, refuseOwnIds } from './joins.ts'
import type { ContainerRequest } from './request.ts'
import { openSharedMemory } from './sharedMemory.ts'
import { storedConfig } from './stored.ts'

export interface OpenedJoin extends NamespaceJoin {
  readonly type: JoinRequest['type']
  /** Where it is found. */
  readonly path: string
  /** What asks for it. */
  readonly option: string
}

/** Namespaces of others, by fds that live as long as this: they cannot become another's meanwhile. */
export interface JoinedNamespaces extends Disposable {
  /** With the user namespace that owns them. */
  readonly joins: readonly OpenedJoin[]
  /** The container gets no user namespace of its own. */
  readonly sharesIds: boolean
  /** Others with these ids see the host's processes, and so all that is done for this container. */
  readonly othersSeeHost: boolean
  /** The /dev/shm of a container whose IPC namespace is joined: a mount without a place, and where it comes from. */
  readonly sharedMemory: { readonly fd: number; readonly path: string } | undefined
}

/**
 * Opens what a container is to share.
 * @throws BryoError NOT_FOUND, INVALID_STATE for a container that does not run, PERMISSION for what belongs to somebody else, USAGE
 */
export function openJoins(
  engine: Engine,
  request: ContainerRequest,
  asked: readonly JoinRequest[],
): JoinedNamespaces {
  if (asked.length === 0) return NOTHING
  using stack = new DisposableStack()
  const opened = asked.map((one) => {
    const join = openJoin(engine, one)
    stack.adopt(join.fd, closeSync)
    return join
  })
  const user = findUser(opened, stack)
  const implied = user && !opened.includes(user) ? [user] : []
  for (const join of implied) refuseOwnIds(request, join)
  const sharedMemory = openSharedMemoryOf(engine, asked)
  if (sharedMemory) stack.adopt(sharedMemory.fd, closeSync)
  const owned = stack.move()
  return {
    joins: [...implied, ...opened],
    sharesIds: user !== undefined,
    othersSeeHost: user !== undefined && isWithHostPids(engine, user.fd),
    sharedMemory,
    [Symbol.dispose]: () => owned.dispose(),
  }
}

const NOTHING: JoinedNamespaces = {
  joins: [],
  sharesIds: false,
  othersSeeHost: false,
  sharedMemory: undefined,
  [Symbol.dispose]: () => {},
}

/** The user namespace that is named, or else owns what is joined; undefined where this process's own does. */
function findUser(opened: readonly OpenedJoin[], stack: DisposableStack): OpenedJoin | undefined {
  using own = ownFd(openSync('/proc/self/ns/user', O.rdonly | O.cloexec))
  let user = opened.find(({ type }) => type === 'user')
  for (const join of opened) {
    if (join.type === 'user') continue
    const fd = stack.adopt(ownerOf(join), closeSync)
    if (isSame(fd, own.fd)) {
      // Only who has rights in it mounts what shows it.
      const unshown = join.type === 'pid' || join.type === 'ipc'
      if (unshown || isOwn(join)) throw foreignNamespace(join.type, join.name)
      continue
    }
    if (user && !isSame(fd, user.fd)) throw foreignOwners(join.option, user.option)
    user ??= { ...join, type: 'user', fd, path: join.path.replace(/[^/]+$/, NAMESPACE_FILE.user) }
  }
  return user
}

/** Whether a container that sees the host's processes is in a user namespace. */
function isWithHostPids({ store }: Engine, userFd: number): boolean {
  return readContainers(store).some((record) => {
    if (storedConfig(record).request.pid !== 'host') return false
    const state = effectiveState(store, record.id)
    return isLive(state) && isIn(state.process, userFd)
  })
}

function isIn({ pid }: ProcessRef, userFd: number): boolean {
  try {
    return statSync(`/proc/${pid}/ns/${NAMESPACE_FILE.user}`).ino === fstatSync(userFd).ino
  } catch (error) {
    // One that hides, as its workload does not run yet, may be.
    return !isErrno(error, 'ENOENT', 'ESRCH')
  }
}

/** The host's own is asked for by its name, and has protections of its own. */
function isOwn({ type, fd }: OpenedJoin): boolean {
  using own = ownFd(openSync(`/proc/self/ns/${NAMESPACE_FILE[type]}`, O.rdonly | O.cloexec))
  return isSame(fd, own.fd)
}

function isSame(fd: number, other: number): boolean {
  return fstatSync(fd).ino === fstatSync(other).ino
}

function foreignOwners(option: string, other: string): BryoError {
  return new BryoError(
    'USAGE',
    `conflicting options: ${option} and ${other}: they belong to different user namespaces, expected the same one`,
  )
}

function ownerOf({ type, name, fd }: NamespaceJoin): number {
  try {
    return openOwner(fd)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
    throw foreignNamespace(type, name, error)
  }
}

function openJoin(engine: Engine, { type, option, target }: JoinRequest): OpenedJoin {
  if (target.kind === 'path') {
    const { path } = target
    return { type, option, name: path, path, fd: openPath(type, path) }
  }
  const container = runningContainer(engine, type, target.container)
  const path = `/proc/${container.init.pid}/ns/${NAMESPACE_FILE[type]}`
  return { type, option, name: container.name, path, fd: openOfContainer(type, container) }
}

interface RunningContainer {
  readonly name: string
  readonly init: ProcessRef
}

/** @throws BryoError NOT_FOUND, INVALID_STATE */
function runningContainer({ store }: Engine, type: NamespaceType, nameOrId: string): RunningContainer {
  const { name, id } = requireContainer(store, nameOrId)
  const state = effectiveState(store, id)
  if (state.status !== 'running') throw notRunning(type, name, state.status)
  return { name, init: state.process }
}

function openSharedMemoryOf(engine: Engine, asked: readonly JoinRequest[]): JoinedNamespaces['sharedMemory'] {
  const ipc = asked.find(({ type }) => type === 'ipc')
  if (ipc?.target.kind !== 'container') return undefined
  const container = runningContainer(engine, 'ipc', ipc.target.container)
  using mounts = ownFd(openOfContainer('mount', container))
  const path = `/proc/${container.init.pid}/root/dev/shm`
  return { fd: openSharedMemory(container.init, mounts.fd), path }
}

function openOfContainer(type: NamespaceType, { name, init }: RunningContainer): number {
  try {
    const fd = openSync(`/proc/${init.pid}/ns/${NAMESPACE_FILE[type]}`, O.rdonly | O.cloexec)
    // The pid was the container's when it was opened.
    if (isProcessAlive(init)) return fd
    closeSync(fd)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error
  }
  throw notRunning(type, name, 'exited')
}

function notRunning(type: NamespaceType, name: string, status: string): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot join the ${type} namespace of container "${name}": it is ${status}, expected running`,
    { hint: `start it first: bryo start ${name}` },
  )
}

function openPath(type: NamespaceType, path: string): number {
  let fd: number
  try {
    fd = openSync(path, O.rdonly | O.nonblock | O.noctty | O.cloexec)
  } catch (error) {
    throw cannotOpen(type, path, error)
  }
  const found = filesystemTypeOfFd(fd) === FS_MAGIC.nsfs ? (namespaceType(fd) ?? 'newer') : undefined
  if (found === type) return fd
  closeSync(fd)
  throw new BryoError(
    'USAGE',
    `cannot join the ${type} namespace "${path}": found ${found === undefined ? 'no namespace' : `type ${found}`}, expected type ${type}`,
  )
}

function cannotOpen(type: NamespaceType, path: string, error: unknown): BryoError {
  const [code, found] = isErrno(error, 'ENOENT', 'ENOTDIR', 'ESRCH')
    ? (['NOT_FOUND', 'it does not exist'] as const)
    : (['PERMISSION', isErrno(error, 'EACCES') ? 'permission denied' : messageOf(error)] as const)
  return new BryoError(code, `cannot join the ${type} namespace "${path}": ${found}`, { cause: error })
}
