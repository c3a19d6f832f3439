import { closeSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { type NamespaceType, setns, unshare } from '../../syscall/namespace.ts'

/** A namespace that exists already. */
export interface NamespaceJoin {
  readonly type: NamespaceType
  readonly fd: number
  /** What the user calls it. */
  readonly name: string
}

/**
 * Enters and makes namespaces; the fds are closed. One may belong to the caller's user namespace, where it can only be joined before
 * another user namespace is entered, or to the container's, where it can only be joined after that.
 * @param create made new
 * @throws BryoError PERMISSION, RUNTIME for one that cannot be joined, SyscallError of unshare(2)
 */
export function enterNamespaces(create: readonly NamespaceType[], joins: readonly NamespaceJoin[]): void {
  const later = joins.filter(({ type }) => type !== 'user').filter((one) => !tryJoin(one))
  for (const one of joins) if (one.type === 'user') join(one)
  if (create.includes('user')) unshare(['user'])
  for (const one of later) join(one)
  for (const { fd } of joins) closeSync(fd)
  const others = create.filter((type) => type !== 'user')
  if (others.length > 0) unshare(others)
}

/** False where it takes rights that only another user namespace gives. */
function tryJoin({ type, name, fd }: NamespaceJoin): boolean {
  try {
    setns(fd, [type])
    return true
  } catch (error) {
    if (isErrno(error, 'EPERM')) return false
    throw cannotJoin(type, name, error)
  }
}

function join({ type, name, fd }: NamespaceJoin): void {
  try {
    setns(fd, [type])
  } catch (error) {
    throw cannotJoin(type, name, error)
  }
}

/** Why a namespace cannot be joined. */
export function cannotJoin(type: NamespaceType, name: string, error: unknown): BryoError {
  if (isErrno(error, 'EPERM')) return foreignNamespace(type, name, error)
  const reason = isErrno(error, 'EINVAL') ? `not a ${type} namespace that can be joined` : messageOf(error)
  return new BryoError('RUNTIME', `cannot join the ${type} namespace "${name}": ${reason}`, { cause: error })
}

/** The kernel asks for rights in the user namespace that owns it. */
export function foreignNamespace(type: NamespaceType, name: string, cause?: unknown): BryoError {
  return new BryoError(
    'PERMISSION',
    `cannot join the ${type} namespace "${name}": it belongs to the host or to somebody else, expected one in a user namespace of the caller's`,
    { cause },
  )
}
