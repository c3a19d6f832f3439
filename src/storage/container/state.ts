import { constants, fstatSync, openSync } from 'node:fs'
import type { ContainerId, HostPath } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { PortMapping } from '../../base/port.ts'
import type { ProcessRef } from '../../base/processRef.ts'
import { ownFd } from '../../syscall/fd.ts'
import { bootId, processStartTime } from '../../syscall/proc.ts'
import { writeAll, writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile } from '../json.ts'
import type { Store } from '../store.ts'

export type { ProcessRef }

/** What a container has while there are processes of it. */
export interface LiveParts {
  /** The container's first process. */
  readonly process: ProcessRef
  /** The process that waits for it and will write its end. */
  readonly monitor?: ProcessRef
  /** Published ports, with those that were chosen; missing where there are none. */
  readonly ports?: readonly PortMapping[]
  /** The directory of its control group; missing where it has none of its own. */
  readonly cgroup?: string
}

export type ContainerState =
  | { readonly status: 'created' }
  /** All is there but the workload: its first process waits to become that. */
  | (LiveParts & { readonly status: 'initialized' })
  | (LiveParts & {
      readonly status: 'running' | 'paused' | 'stopping'
      /** RFC 3339. */
      readonly startedAt: string
      /** How often its restart policy has started it; missing for 0. */
      readonly restartCount?: number
    })
  | {
      readonly status: 'exited'
      /** As a shell counts (128 + signal); missing where nobody saw the end. */
      readonly exitCode?: number
      /** RFC 3339; missing where it never started. */
      readonly startedAt?: string
      /** RFC 3339; missing where nobody saw the end. */
      readonly finishedAt?: string
      readonly oomKilled?: boolean
      /** Why it could not start. */
      readonly error?: string
      readonly restartCount?: number
      /** `stop` or `kill` ended it: a restart policy leaves it alone. */
      readonly stoppedByUser?: boolean
      /** The monitor that is about to start it again; while that lives, the container is between two starts. */
      readonly restarting?: ProcessRef
    }

/** Names this process or another one. undefined where it is gone. */
export function processRef(pid: number): ProcessRef | undefined {
  const startTime = processStartTime(pid)
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() }
}

/** Whether exactly this process still runs. */
export function isProcessAlive(process: ProcessRef): boolean {
  return processStartTime(process.pid) === process.startTime && bootId() === process.bootId
}

/**
 * Replaces the state. It lies beside the record, not in the runtime directory: the boot id tells that a process is gone after
 * a reboot, and a runtime directory that was wiped at logout takes nothing with it.
 * @returns false where the container was removed meanwhile
 */
export function writeState(store: Store, id: ContainerId, state: ContainerState): boolean {
  const path = statePath(store, id)
  try {
    writeJsonAtomic(path, state, { durable: false })
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    if (error instanceof BryoError && error.code === 'NO_SPACE' && overwriteState(path, state)) return true
    throw error
  }
}

/** What every filesystem gives a file at the least. */
const BLOCK = 512

/**
 * On a full disk: over the former state, in the block that this has already, by one write. Spaces cover what is left of it.
 * @returns false where there was no state, or the new one needs another block
 */
function overwriteState(path: HostPath, state: ContainerState): boolean {
  try {
    using file = ownFd(openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW))
    const { size } = fstatSync(file.fd)
    const data = Buffer.from(`${JSON.stringify(state).padEnd(size - 1)}\n`)
    if (data.length > Math.max(size, BLOCK)) return false
    writeAll(file.fd, data, 0)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOSPC', 'EDQUOT')) return false
    throw error
  }
}

/** As it was written last; `created` where it never was. */
export function readState(store: Store, id: ContainerId): ContainerState {
  const path = statePath(store, id)
  const content = readJsonFile(path)
  return content === undefined ? { status: 'created' } : parseState(fieldsOf(content, path))
}

/**
 * As it is: a container whose process is gone without a word (killed with its monitor, or by a reboot) has
 * exited, with an exit code that nobody knows. While its monitor is about to write the end, it is `stopping`, or still `initialized`. A
 * monitor that is gone starts nothing again.
 */
export function effectiveState(store: Store, id: ContainerId): ContainerState {
  const state = readStateAfterCrash(store, id)
  if (!hasDied(state)) return withoutDeadMonitor(state)
  // The monitor may have written the end between the reading and the look at the process.
  const again = readStateAfterCrash(store, id)
  if (!hasDied(again)) return withoutDeadMonitor(again)
  const ending = again.monitor !== undefined && isProcessAlive(again.monitor)
  if (again.status === 'initialized') return ending ? again : { status: 'exited' }
  return ending ? { ...again, status: 'stopping' } : { status: 'exited', startedAt: again.startedAt }
}

/** Of a container that has processes. */
export type LiveState = Extract<ContainerState, LiveParts>

/** Whether the container has processes. */
export function isLive(state: ContainerState): state is LiveState {
  return state.status !== 'created' && state.status !== 'exited'
}

function hasDied(state: ContainerState): state is LiveState {
  return isLive(state) && !isProcessAlive(state.process)
}

function withoutDeadMonitor(state: ContainerState): ContainerState {
  if (state.status !== 'exited' || !state.restarting || isProcessAlive(state.restarting)) return state
  const { restarting: _gone, ...ended } = state
  return ended
}

/** Nobody waits for the disk to have a state: a power cut may spoil it, and nothing runs since. */
export function readStateAfterCrash(store: Store, id: ContainerId): ContainerState {
  try {
    return readState(store, id)
  } catch (error) {
    if (error instanceof BryoError && error.code === 'STORAGE') return { status: 'exited' }
    throw error
  }
}

function statePath(store: Store, id: ContainerId): HostPath {
  return hostPath(store.containers, id, 'state.json')
}

function parseState(fields: Fields): ContainerState {
  const status = fields.text('status')
  if (status === 'initialized') return { status, ...parseLiveParts(fields) }
  if (status === 'running' || status === 'paused' || status === 'stopping') {
    return {
      status,
      ...parseLiveParts(fields),
      startedAt: fields.text('startedAt'),
      ...(fields.has('restartCount') && { restartCount: fields.number('restartCount') }),
    }
  }
  if (status !== 'exited') return { status: 'created' }
  return {
    status,
    ...(fields.has('exitCode') && { exitCode: fields.number('exitCode') }),
    ...(fields.has('startedAt') && { startedAt: fields.text('startedAt') }),
    ...(fields.has('finishedAt') && { finishedAt: fields.text('finishedAt') }),
    ...(fields.has('oomKilled') && { oomKilled: fields.flag('oomKilled') }),
    ...(fields.has('error') && { error: fields.text('error') }),
    ...(fields.has('restartCount') && { restartCount: fields.number('restartCount') }),
    ...(fields.has('stoppedByUser') && { stoppedByUser: fields.flag('stoppedByUser') }),
    ...(fields.has('restarting') && { restarting: parseProcess(fields.object('restarting')) }),
  }
}

function parseLiveParts(fields: Fields): LiveParts {
  return {
    process: parseProcess(fields.object('process')),
    ...(fields.has('monitor') && { monitor: parseProcess(fields.object('monitor')) }),
    ...(fields.has('ports') && { ports: fields.list('ports', parsePort) }),
    ...(fields.has('cgroup') && { cgroup: fields.text('cgroup') }),
  }
}

function parsePort(fields: Fields): PortMapping {
  return {
    hostIp: fields.text('hostIp'),
    hostPort: fields.number('hostPort'),
    containerPort: fields.number('containerPort'),
    protocol: fields.text('protocol') === 'udp' ? 'udp' : 'tcp',
  }
}

function parseProcess(fields: Fields): ProcessRef {
  return { pid: fields.number('pid'), startTime: fields.text('startTime'), bootId: fields.text('bootId') }
}
