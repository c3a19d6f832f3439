import type { HostPath } from '../../base/brand.ts'
import { BryoError, exitCodeOf, messageOf } from '../../base/errors.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { LaunchedContainer } from '../../runtime/launch.ts'
import { catchSignals, type SignalProxy, supervise } from '../../runtime/supervise.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { removeContainer } from '../../storage/container/remove.ts'
import { effectiveState, processRef, writeState } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { acquireLock, type Lock } from '../../storage/lock.ts'
import type { Work } from '../../storage/work.ts'
import { exitCodeOfStatus, waitForExit } from '../../syscall/process.ts'
import { getWindowSize, isTerminal } from '../../syscall/tty.ts'
import { writeIdMaps } from '../../userns/write.ts'
import type { Engine } from '../engine.ts'
import { type PreparedLaunch, prepareLaunch } from './launch.ts'
import { forkOutlined, type OutlinedFork, outlineContainer } from './outline.ts'
import type { StoredConfig } from './stored.ts'

export interface StartSubject {
  readonly record: ContainerRecord
  readonly directory: HostPath
  readonly config: StoredConfig
  readonly image: ImageConfig | undefined
  /** With `--rm`: the hold on the container, without which any command may remove it. */
  readonly work: Work | undefined
  /** Its processes, where they were forked ahead. */
  readonly fork: OutlinedFork | undefined
}

export interface StartOptions {
  /** Signals of this process go to the container. */
  readonly signalProxy: boolean
  /** fds from 3 on that the workload keeps. */
  readonly preservedFds: number
  /** Whether stdin reaches the workload. */
  readonly interactive: boolean
  readonly onWarning: (text: string) => void
}

const SIGKILL = 9
const NETWORK_READY_MS = 10_000

/**
 * Starts a container in the foreground and waits for its end; then records the end, or removes it (`--rm`).
 * @returns the workload's exit code, 128 + n for signal n
 * @throws BryoError where it could not start; a container with `--rm` is gone then
 */
export async function startAttached(
  engine: Engine,
  subject: StartSubject,
  options: StartOptions,
): Promise<number> {
  const { record } = subject
  // With --rm the hold on the container keeps others away already.
  using _starting = subject.work ? undefined : lockStart(engine, record, subject.directory)
  try {
    const exitCode = await runToEnd(engine, subject, options)
    settle(engine, subject)
    return exitCode
  } catch (error) {
    if (!record.autoRemove) recordFailure(engine, record, error)
    settle(engine, subject)
    throw error
  }
}

async function runToEnd(engine: Engine, subject: StartSubject, options: StartOptions): Promise<number> {
  const { record, config } = subject
  const { tty } = config.request
  using fork = subject.fork ?? forkOutlined(engine, outlineContainer(engine, config.request, subject.image))
  fork.beginMaps()
  using prepared = await prepareLaunch(engine, subject, fork, {
    inheritStdin: options.interactive,
    initialWindow: tty && isTerminal(1) ? getWindowSize(1) : undefined,
    preservedFds: options.preservedFds,
    parentDeathSignal: SIGKILL,
  })
  for (const warning of prepared.warnings) options.onWarning(warning)
  const startedAt = new Date().toISOString()
  const signals = options.signalProxy ? catchSignals() : undefined
  using running = launch(engine, fork, prepared, (pid) => {
    const process_ = processRef(pid)
    if (!process_) return
    const { ports } = prepared.network
    const published = ports.length > 0 && { ports }
    writeState(engine.store, record.id, { status: 'running', process: process_, startedAt, ...published })
  })
  prepared.finish()
  const exitCode = await attend(running.container, signals, tty && options.interactive)
  if (!record.autoRemove) {
    writeState(engine.store, record.id, {
      status: 'exited',
      exitCode,
      startedAt,
      finishedAt: new Date().toISOString(),
    })
  }
  return exitCode
}

interface Running extends Disposable {
  readonly container: LaunchedContainer
}

/** The launched container, with what serves it: that ends with the scope. */
function launch(
  engine: Engine,
  fork: OutlinedFork,
  prepared: PreparedLaunch,
  onCreated: (pid: number) => void,
): Running {
  const identity = engine.identity()
  const searchPath = engine.facts.env.PATH
  const network: { current: ReturnType<PreparedLaunch['network']['start']> | undefined } = {
    current: undefined,
  }
  const container = fork.container.launch(prepared.plan, {
    finishIdMaps: () => fork.finishMaps(),
    writeIdMaps: (pid, maps) => writeIdMaps(pid, maps, { identity, searchPath }),
    startNetwork: (pid) => {
      const running = prepared.network.start(pid)
      network.current = running
      return { waitReady: () => running.waitReady(NETWORK_READY_MS), close: () => running.close() }
    },
    onCreated,
  })
  return {
    container,
    [Symbol.dispose]: () => {
      // It is told to end; this process, about to end itself, does not wait for the kernel to take the device down.
      network.current?.close({ wait: false })
      if (container.fusePid !== undefined) waitForExit(container.fusePid)
    },
  }
}

async function attend(
  container: LaunchedContainer,
  signals: SignalProxy | undefined,
  typing: boolean,
): Promise<number> {
  const { pid, terminalFd } = container
  if (terminalFd === undefined) {
    return exitCodeOfStatus(await supervise({ pid, signals }))
  }
  const { startTerminalPump } = await import('../../runtime/terminal.ts')
  const pump = startTerminalPump({
    masterFd: terminalFd,
    inputFd: 0,
    outputFd: 1,
    interactive: typing,
  })
  try {
    pump.resize()
    const status = await supervise({ pid, signals, onWindowChange: pump.resize })
    await pump.finished
    return exitCodeOfStatus(status)
  } finally {
    pump.restore()
  }
}

/** Removes a `--rm` container. */
function settle(engine: Engine, { record, work }: StartSubject): void {
  if (!record.autoRemove) return
  const { runInUserns } = engine
  removeContainer(engine.store, record.id, { ...(work && { work }), runInUserns, removeVolumes: true })
}

/** One start at a time, of a container that does not run. */
function lockStart({ store }: Engine, record: ContainerRecord, directory: HostPath): Lock {
  const lock = acquireLock(hostPath(directory, 'start.lock'), { mode: 'exclusive', wait: false })
  const { status } = effectiveState(store, record.id)
  const startable = status === 'created' || status === 'exited'
  if (lock && startable) return lock
  lock?.release()
  throw new BryoError(
    'INVALID_STATE',
    `cannot start container "${record.name}": it is ${startable ? 'starting' : status}, expected created or exited`,
  )
}

function recordFailure(engine: Engine, record: ContainerRecord, error: unknown): void {
  writeState(engine.store, record.id, {
    status: 'exited',
    exitCode: exitCodeOf(error),
    error: messageOf(error),
  })
}
