import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import { SIGKILL } from '../../base/signals.ts'
import { killGroup, processesInGroup } from '../../cgroup/group.ts'
import { pollReadable } from '../../syscall/fd.ts'
import { signalPidfd } from '../../syscall/pidfd.ts'
import { pidfdOpen } from '../../syscall/process.ts'
import { findContainer, isAlive, listRecords, type OciRecord, statusOf } from './container.ts'
import type { OciCaller } from './create.ts'

/**
 * Sends a signal to a container's first process, or to all of its processes.
 * @throws BryoError NOT_FOUND, INVALID_STATE where it has stopped
 */
export function killById(
  { stateRoot }: OciCaller,
  id: string,
  { signal, all }: { readonly signal: number; readonly all: boolean },
): void {
  const record = findContainer(stateRoot, id)
  if (all ? signalAll(stateRoot, record, signal) : signalFirst(record, signal)) return
  throw new BryoError(
    'INVALID_STATE',
    `cannot kill container "${id}": container not running (it is ${statusOf(record)}), expected created or running`,
  )
}

/** False where it has gone. */
function signalFirst(record: OciRecord, signal: number): boolean {
  return withFirst(record, (pidfd) => signalPidfd(pidfd, signal)) ?? false
}

/** Ends the first process for good. @returns false where it still runs after the time */
export function killAndWait(record: OciRecord, timeoutMs: number): boolean {
  const ended = withFirst(record, (pidfd) => {
    signalPidfd(pidfd, SIGKILL)
    return pollReadable(pidfd, timeoutMs)
  })
  return ended ?? true
}

/** The pidfd is open before the process is looked at, so it means that one. */
function withFirst<T>(record: OciRecord, act: (pidfd: number) => T): T | undefined {
  if (!record.process) return undefined
  const { pid } = record.process
  const pidfd = unlessErrno(() => pidfdOpen(pid), 'ESRCH')
  if (pidfd === undefined) return undefined
  try {
    return isAlive(record) ? act(pidfd) : undefined
  } finally {
    closeSync(pidfd)
  }
}

/** The group's processes, which end together: none escapes by forking. */
function signalAll(stateRoot: string, record: OciRecord, signal: number): boolean {
  const cgroup = ownGroup(stateRoot, record)
  const pids = processesOf({ ...record, cgroup })
  if (signal === SIGKILL && cgroup !== undefined && pids.length > 0 && killGroup(cgroup)) return true
  for (const pid of pids) signalOne(pid, signal)
  return pids.length > 0
}

function signalOne(pid: number, signal: number): void {
  try {
    const pidfd = pidfdOpen(pid)
    try {
      signalPidfd(pidfd, signal)
    } finally {
      closeSync(pidfd)
    }
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

/** Its group, unless a container that was made later for the same place has taken it over since the end of this one. */
export function ownGroup(stateRoot: string, record: OciRecord): string | undefined {
  const { id, cgroup } = record
  if (cgroup === undefined || isAlive(record) || processesInGroup(cgroup).length === 0) return cgroup
  const isTaken = listRecords(stateRoot).some(
    (other) => other.id !== id && other.cgroup === cgroup && isAlive(other),
  )
  return isTaken ? undefined : cgroup
}

/**
 * Pids of a container's processes as the caller sees them, its first one before all: those of its control group. Without one, those of its
 * pid namespace; of a shared one, the first process and those below it.
 */
export function processesOf(record: OciRecord): readonly number[] {
  const grouped = record.cgroup === undefined ? [] : processesInGroup(record.cgroup)
  if (!record.process || !isAlive(record)) return grouped
  const { pid } = record.process
  if (grouped.length > 0) return [pid, ...grouped.filter((other) => other !== pid)]
  const others = allPids().filter((other) => other !== pid)
  if (!isFirstOfNamespace(pid)) return [pid, ...descendants(pid, others)]
  const namespace = pidNamespace(pid)
  return [pid, ...others.filter((other) => pidNamespace(other) === namespace)]
}

function allPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** Else the namespace is shared with others, whose processes are not this container's. */
function isFirstOfNamespace(pid: number): boolean {
  return /^NSpid:.*\t1$/m.test(readStatus(pid)) && pidNamespace(pid) !== pidNamespace('self')
}

function descendants(pid: number, others: readonly number[]): readonly number[] {
  const parents = new Map(
    others.map((other) => [other, Number(/^PPid:\t(\d+)$/m.exec(readStatus(other))?.[1])]),
  )
  const found = new Set([pid])
  for (let size = 0; size < found.size; ) {
    size = found.size
    for (const [other, parent] of parents) if (found.has(parent)) found.add(other)
  }
  found.delete(pid)
  return [...found]
}

/** Empty where the process has gone. @see proc_pid_status(5) */
function readStatus(pid: number): string {
  return unlessErrno(() => readFileSync(`/proc/${pid}/status`, 'latin1'), 'ENOENT', 'ESRCH') ?? ''
}

/** Undefined where the process has gone, or is somebody else's. */
function pidNamespace(pid: number | 'self'): string | undefined {
  return unlessErrno(() => readlinkSync(`/proc/${pid}/ns/pid`), 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')
}
