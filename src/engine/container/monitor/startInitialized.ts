import { closeSync } from 'node:fs'
import { BryoError, type ErrorCode, isErrno } from '../../../base/errors.ts'
import { readOrEnd } from '../../../monitor/outlet.ts'
import {
  type ExitNotice,
  type Hello,
  jsonPacket,
  MAX_PACKET_DATA,
  PACKET,
  packet,
  parseExit,
  resizePacket,
} from '../../../monitor/protocol.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState, type LiveState } from '../../../storage/container/state.ts'
import { writeFd } from '../../../syscall/fd.ts'
import { getWindowSize, isTerminal } from '../../../syscall/tty.ts'
import type { Engine } from '../../engine.ts'
import { awaitProcess, awaitRecorded } from '../lifecycle.ts'
import { announce, serviceManager } from '../notify.ts'
import type { StartSubject } from '../start.ts'
import { type AttachEnd, type AttachOptions, attachTo, holdSignals } from './attach.ts'
import { awaitRemoval, connectMonitor } from './socket.ts'

export interface InitializedOptions {
  /** How this process attaches itself; undefined to leave it in the background. */
  readonly attach: AttachOptions | undefined
  /** The workload runs. */
  readonly onStarted: () => void
}

/** How long a monitor that takes no clients may take to end. */
const ENDING_MS = 1000

/**
 * Gives the word for the workload of an initialized container.
 * @returns undefined where the container has ended before
 * @throws BryoError why the workload could not run: the container has ended then; INVALID_STATE where its monitor cannot be reached
 */
export function startInitialized(
  engine: Engine,
  { record, config }: Pick<StartSubject, 'record' | 'config'>,
  { attach, onStarted }: InitializedOptions,
): AttachEnd | { readonly kind: 'background'; readonly id: string } | undefined {
  const state = effectiveState(engine.store, record.id)
  if (state.status !== 'initialized') return undefined
  const socketFd = connectMonitor(engine.store, record.id)
  if (socketFd === undefined) {
    if (state.monitor && !awaitProcess(state.monitor, ENDING_MS)) throw unreachable(record)
    return undefined
  }
  using held = new DisposableStack()
  held.adopt(socketFd, closeSync)
  const { tty } = config.request
  if (attach) holdSignals(attach)
  const hello = { input: attach?.interactive ?? false, output: attach !== undefined }
  const end = askForStart(socketFd, hello, tty)
  if (end !== 'started') {
    settle(engine, { record }, state)
    if (end?.failure) throw startFailure(end)
    return undefined
  }
  onStarted()
  announce(serviceManager(engine, config.request), state.monitor?.pid)
  if (!attach) return { kind: 'background', id: record.id }
  held.move()
  return attachTo(engine, record, {
    ...attach,
    socketFd,
    terminal: tty,
    initPid: state.process.pid,
  })
}

function unreachable({ name }: ContainerRecord): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot start container "${name}": the socket of its monitor is gone from the runtime directory`,
    { hint: `"bryo restart ${name}" makes all of it anew` },
  )
}

/** @returns how the container has ended where it does not run; undefined where nobody tells */
function askForStart(fd: number, hello: Hello, tty: boolean): ExitNotice | 'started' | undefined {
  const window = tty && isTerminal(1) ? [resizePacket(getWindowSize(1))] : []
  try {
    for (const bytes of [jsonPacket(PACKET.hello, hello), ...window, packet(PACKET.start)]) writeFd(fd, bytes)
  } catch (error) {
    // What it has said before it went can still be read.
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error
  }
  const buffer = new Uint8Array(MAX_PACKET_DATA + 1)
  for (;;) {
    const length = readOrEnd(fd, buffer)
    if (!length) return undefined
    if (buffer[0] === PACKET.started) return 'started'
    if (buffer[0] === PACKET.exit) return parseExit(buffer.subarray(1, length))
  }
}

/** Blocks until the monitor is done with a container that has ended. */
function settle(engine: Engine, { record }: Pick<StartSubject, 'record'>, state: LiveState): void {
  if (record.autoRemove) awaitRemoval(engine, record)
  else awaitRecorded(engine, record, state)
}

const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [126, 'COMMAND_NOT_EXECUTABLE'],
  [127, 'COMMAND_NOT_FOUND'],
])

function startFailure({ exitCode, failure }: ExitNotice): BryoError {
  return new BryoError(CODES.get(exitCode) ?? 'RUNTIME', failure?.message ?? '', { hint: failure?.hint })
}
