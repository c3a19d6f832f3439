import type { IdMaps } from '../base/idmap.ts'
import { toHostId } from '../base/idmap.ts'
import { SIGKILL } from '../base/signals.ts'
import { SyscallError } from '../syscall/error.ts'
import { closeAllFdsBut, closeRange } from '../syscall/fd.ts'
import { type NamespaceType, unshare } from '../syscall/namespace.ts'
import { getppid, setGroupId, setgroups, setParentDeathSignal, setUserId } from '../syscall/process.ts'
import { type EnterMessage, receiveMessage, sendMessage } from './enter-messages.ts'

/** Runs after fork(2): synchronous calls only. */
export interface EnterChildRequest {
  readonly socket: number
  /** The other end, which the child has inherited: held here, the parent's death would go unnoticed. */
  readonly parentSocket: number
  readonly parentPid: number
  readonly maps: IdMaps
  /** Beside `user`. */
  readonly namespaces: readonly NamespaceType[]
  /** Stay open beside 0, 1 and 2; all of them where undefined. */
  readonly keepFds: readonly number[] | undefined
  readonly dieWithParent: boolean
  readonly prepare: () => void
  readonly main: () => number
}

const FAILED = 125

/** The child's life: new namespaces, maps from the parent, root of the namespace, then `main`. */
export function enterAsChild(request: EnterChildRequest): number {
  const { socket } = request
  try {
    closeRange(request.parentSocket, request.parentSocket)
    // The ends of the parent's pipes would never be seen closed otherwise.
    if (request.keepFds) closeAllFdsBut([0, 1, 2, socket, ...request.keepFds])
    unshare(['user', ...request.namespaces])
  } catch (error) {
    return reportFailure(socket, 'unshare', error)
  }
  try {
    request.prepare()
  } catch (error) {
    return reportFailure(socket, 'prepare', error)
  }
  sendMessage(socket, { kind: 'userns-created' })
  const answer = receiveMessage(socket)
  // The parent could not write the maps, says so itself and has closed its end.
  if (answer?.kind !== 'maps-written') return FAILED
  try {
    becomeRootInside(request.maps, answer.setgroups)
    if (request.dieWithParent) dieWithParent(request.parentPid)
  } catch (error) {
    return reportFailure(socket, 'credentials', error)
  }
  sendMessage(socket, { kind: 'entered' })
  closeRange(socket, socket)
  return request.main()
}

/** Where container id 0 is not mapped, the ids stay; the capabilities inside are full either way. */
function becomeRootInside(maps: IdMaps, maySetGroups: boolean): void {
  if (maySetGroups) setgroups([])
  if (toHostId(maps.gid, 0) !== undefined) setGroupId(0)
  if (toHostId(maps.uid, 0) !== undefined) setUserId(0)
}

/** After the last change of credentials, which clears it; the parent may be gone since before. @see prctl(2) */
function dieWithParent(parentPid: number): void {
  setParentDeathSignal(SIGKILL)
  if (getppid() !== parentPid) throw new Error('the parent process is gone')
}

function reportFailure(socket: number, step: string, error: unknown): number {
  const message: EnterMessage = {
    kind: 'failed',
    step,
    errno: error instanceof SyscallError ? error.errno : 0,
    message: error instanceof Error ? error.message : String(error),
  }
  sendMessage(socket, message)
  return FAILED
}
