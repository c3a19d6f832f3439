import { constants } from 'node:os'
import { BryoError } from '../../../base/errors.ts'
import {
  type OutputName,
  type RelayEnd,
  type RelayOptions,
  relayChild,
  relayMonitor,
} from '../../../monitor/relay.ts'
import { keepTerminal } from '../../../monitor/stage/keepTerminal.ts'
import { forwardedSignals } from '../../../runtime/supervise.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState } from '../../../storage/container/state.ts'
import { appendEvent } from '../../../storage/events.ts'
import { ownFd } from '../../../syscall/fd.ts'
import { killIfAlive, waitForExit } from '../../../syscall/process.ts'
import { blockSignals } from '../../../syscall/signal.ts'
import type { Engine } from '../../engine.ts'
import { containerEvent } from '../event.ts'
import type { PipeEnds } from '../stdio.ts'
import { storedConfig } from '../stored.ts'
import { awaitRemoval, connectMonitor } from './socket.ts'

/** How a caller is attached to a container. */
export interface AttachOptions {
  /** Standard input is passed on. */
  readonly interactive: boolean
  /** Signals of this process go to the container. */
  readonly signalProxy: boolean
  /** Bytes that detach; empty for none. */
  readonly detachKeys: Uint8Array
  /** Output that this process does not show; none by default. */
  readonly silent?: readonly OutputName[]
}

export type AttachEnd = { readonly kind: 'exited'; readonly exitCode: number } | { readonly kind: 'detached' }

/** Signals that end a client, after it has given its terminal back. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const

/**
 * Serves this process's stdio until the container ends or the caller detaches.
 * @param socketFd connected with the monitor; closed when this returns
 */
export function attachTo(
  engine: Engine,
  record: ContainerRecord,
  {
    socketFd,
    terminal,
    initPid,
    ...options
  }: AttachOptions & {
    readonly socketFd: number
    readonly terminal: boolean
    readonly initPid: number
  },
): AttachEnd {
  using socket = ownFd(socketFd)
  appendEvent(engine.store, containerEvent(record, 'attach'))
  const end = relayMonitor(socket.fd, relayOptions(initPid, terminal, options))
  if (end.kind === 'exited' && record.autoRemove) awaitRemoval(engine, record)
  return attachEnd(end, () => lastExitCode(engine, record))
}

/** As {@link attachTo}, of a child of this process whose stdio are these pipes. */
export function relayDirect(
  pid: number,
  pipes: PipeEnds,
  options: Pick<AttachOptions, 'interactive' | 'signalProxy'>,
): number {
  const interactive = options.interactive && pipes.stdin !== undefined
  const end = relayChild(
    pid,
    pipes,
    relayOptions(pid, false, { ...options, interactive, detachKeys: new Uint8Array() }),
  )
  if (end.kind === 'exited') return end.exitCode
  // Without a monitor the container does not outlive its only client.
  killIfAlive(pid, constants.signals.SIGKILL)
  waitForExit(pid)
  return end.kind === 'signal' ? 128 + end.signal : 125
}

/** As {@link attachTo}, of a process that was added to a container, a child of this one. */
export function relayProcess(
  { pid }: { readonly pid: number },
  fds: PipeEnds & { readonly terminal?: number },
  { terminal, ...options }: AttachOptions & { readonly terminal: boolean },
): AttachEnd {
  const interactive = options.interactive && (fds.stdin ?? fds.terminal) !== undefined
  const end = relayChild(pid, fds, relayOptions(pid, terminal, { ...options, interactive }))
  if (end.kind === 'detached' && fds.terminal !== undefined) keepTerminal(fds.terminal)
  return attachEnd(end, () => 125)
}

/** Signals that come while a process is being started are passed on once it runs. */
export function holdSignals({ signalProxy }: Pick<AttachOptions, 'signalProxy'>): void {
  blockSignals(relayedSignals(signalProxy))
}

function relayedSignals(signalProxy: boolean): readonly number[] {
  return signalProxy ? forwardedSignals() : ENDING.map((name) => constants.signals[name])
}

function relayOptions(pid: number, terminal: boolean, options: AttachOptions): RelayOptions {
  const { signalProxy, interactive, detachKeys, silent } = options
  return {
    interactive,
    terminal,
    detachKeys,
    ...(silent && { silent }),
    signals: relayedSignals(signalProxy),
    forwardSignal: (signal) => {
      if (signalProxy) killIfAlive(pid, signal)
      return signalProxy
    },
  }
}

function attachEnd(end: RelayEnd, lastCode: () => number): AttachEnd {
  switch (end.kind) {
    case 'exited':
    case 'detached':
      return end
    case 'signal':
      return { kind: 'exited', exitCode: 128 + end.signal }
    case 'lost':
      return { kind: 'exited', exitCode: lastCode() }
  }
}

function lastExitCode({ store }: Engine, { id, name }: ContainerRecord): number {
  const state = effectiveState(store, id)
  if (state.status === 'exited' && state.exitCode !== undefined) return state.exitCode
  throw new BryoError(
    'RUNTIME',
    `the monitor of container "${name}" ended without telling how the container did`,
  )
}

/** `attach`: serves this process's stdio from a running container. @throws BryoError INVALID_STATE */
export function attachToRunning(engine: Engine, name: string, options: AttachOptions): AttachEnd {
  const record = requireContainer(engine.store, name)
  const state = effectiveState(engine.store, record.id)
  if (state.status !== 'running') {
    throw new BryoError(
      'INVALID_STATE',
      `you can only attach to running containers: container "${record.name}" is ${state.status}`,
    )
  }
  const socketFd = connectMonitor(engine.store, record.id)
  if (socketFd === undefined) throw unreachable(record, state.monitor !== undefined)
  const { interactive, tty } = storedConfig(record).request
  return attachTo(engine, record, {
    ...options,
    interactive: options.interactive && interactive,
    signalProxy: options.signalProxy && !tty,
    socketFd,
    terminal: tty,
    initPid: state.process.pid,
  })
}

function unreachable({ name }: ContainerRecord, monitored: boolean): BryoError {
  if (monitored) {
    return new BryoError(
      'INVALID_STATE',
      `cannot attach to container "${name}": its socket is gone from the runtime directory`,
      { hint: `"bryo logs --follow ${name}" shows its output; a restart makes the socket anew` },
    )
  }
  return new BryoError(
    'INVALID_STATE',
    `cannot attach to container "${name}": it runs in the foreground of the process that started it`,
    { hint: 'run it with --detach, or with --tty, for others to attach to it' },
  )
}
