import { writeFileSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError, exitCodeOf, messageOf } from '../../base/errors.ts'
import type { ImageConfig } from '../../base/image.ts'
import { SIGKILL } from '../../base/signals.ts'
import type { LaunchedContainer } from '../../runtime/launch.ts'
import type { LaunchPlan } from '../../runtime/plan.ts'
import { catchSignals, supervise } from '../../runtime/supervise.ts'
import { endLeftProcesses } from '../../storage/container/leftProcesses.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { removeContainer } from '../../storage/container/remove.ts'
import { type LiveState, processRef, readStateAfterCrash, writeState } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Work } from '../../storage/work.ts'
import { exitCodeOfStatus, getpid, waitForExit } from '../../syscall/process.ts'
import { getWindowSize, isTerminal } from '../../syscall/tty.ts'
import { writeIdMaps } from '../../userns/write.ts'
import type { Engine } from '../engine.ts'
import { containerEvent, diedEvent } from './event.ts'
import { healthCheckOf } from './health/settings.ts'
import { INITIAL_HEALTH, writeHealth } from './healthStatus.ts'
import { type PreparedLaunch, prepareLaunch } from './launch.ts'
import { clearStopMark } from './monitor/stopMark.ts'
import type { Notification } from './notify.ts'
import { type ForkChoice, forkOutlined, type OutlinedFork, outlineContainer } from './outline.ts'
import { endMembers } from './processes/endMembers.ts'
import { removeOwnImage } from './removeOwnImage.ts'
import type { ContainerRequest } from './request.ts'
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
  /** fds beside 0, 1 and 2 that the workload keeps. */
  readonly preservedFds: readonly number[]
  /** Whether stdin reaches the workload. */
  readonly interactive: boolean
  readonly onWarning: (text: string) => void
  readonly notification?: Notification | undefined
  /** Called when the container's processes exist, with what they are told to become, before the workload runs. */
  readonly onPlanned?: (pid: number, plan: LaunchPlan, request: ContainerRequest) => void
}

const NETWORK_READY_MS = 10_000

/** How a container in the foreground without a monitor is forked. */
export function directFork(interactive: boolean): ForkChoice {
  return { monitored: false, stdio: 'inherited', interactive }
}

/**
 * Starts a `--rm` container without a terminal in the foreground: this process is its parent, waits for its end and removes it.
 * @returns the workload's exit code, 128 + n for signal n
 * @throws BryoError where it could not start; the container is gone then
 */
export async function startDirect(
  engine: Engine,
  subject: StartSubject,
  options: StartOptions,
): Promise<number> {
  try {
    const exitCode = await runToEnd(engine, subject, options)
    appendEvent(engine.store, diedEvent(subject.record, exitCode))
    settle(engine, subject)
    await removeOwnImage(engine, subject.config.request)
    return exitCode
  } catch (error) {
    settle(engine, subject)
    throw error
  }
}

async function runToEnd(engine: Engine, subject: StartSubject, options: StartOptions): Promise<number> {
  const choice = directFork(options.interactive)
  using launched = await launchContainer(engine, subject, options, { choice })
  const { mountFd } = launched.container
  const nested = !launched.fork.joined.sharesIds
  appendEvent(engine.store, containerEvent(subject.record, 'attach'))
  try {
    return await awaitDirect(launched, options)
  } finally {
    if (mountFd !== undefined) endMembers(mountFd, { nested })
    launched.fork.container.closeNamespaces()
  }
}

async function awaitDirect({ container, fork, signals }: Launched, options: StartOptions): Promise<number> {
  const { pid } = container
  const { theirs, ours } = fork.stdio
  if (theirs !== undefined) {
    signals?.forwardTo(pid)
    const { relayDirect } = await import('./monitor/attach.ts')
    return relayDirect(pid, ours, options)
  }
  return exitCodeOfStatus(await supervise({ pid, signals }))
}

/** Removes a `--rm` container. */
function settle(engine: Engine, { record, work }: StartSubject): void {
  const { runInUserns } = engine
  removeContainer(engine.store, record.id, { ...(work && { work }), runInUserns, removeVolumes: true })
  appendEvent(engine.store, containerEvent(record, 'remove'))
}

export interface LaunchChoice {
  readonly choice: ForkChoice
  /** Starts that the restart policy has made, this one included. */
  readonly restartCount?: number
  /** The monitor, where this process is to become it; by default the keeper, if there is one. */
  readonly becomesMonitor?: boolean
  /** All is made but the workload, which waits for the word of whoever has the fd of that. */
  readonly held?: boolean
}

/** A container whose workload runs, or is held, with what serves it: that ends with the scope. */
export interface Launched extends Disposable {
  readonly container: LaunchedContainer
  readonly fork: OutlinedFork
  readonly prepared: PreparedLaunch
  readonly signals: ReturnType<typeof catchSignals> | undefined
  readonly state: LiveState
  /** Ends of pipes that keep helpers of the network alive. */
  networkFds(): readonly number[]
  /** Somebody else ends what serves the container. */
  release(): void
}

/** Makes a container's processes, and writes that it runs, or is initialized. @throws BryoError; nothing of it runs then */
export async function launchContainer(
  engine: Engine,
  subject: StartSubject,
  options: StartOptions,
  { choice, restartCount = 0, becomesMonitor = false, held = false }: LaunchChoice,
): Promise<Launched> {
  const { record, config } = subject
  const { tty } = config.request
  using stack = new DisposableStack()
  if (!subject.fork && config.request.pid !== undefined) endLeftProcesses(record.id)
  const fork = stack.use(
    subject.fork ?? forkOutlined(engine, outlineContainer(engine, config.request, subject.image), choice),
  )
  fork.beginMaps()
  const prepared = stack.use(
    await prepareLaunch(engine, subject, fork, {
      inheritStdin: options.interactive,
      initialWindow: tty && isTerminal(1) ? getWindowSize(1) : undefined,
      preservedFds: options.preservedFds,
      held,
      parentDeathSignal: SIGKILL,
      notification: options.notification,
    }),
  )
  for (const warning of prepared.warnings) options.onWarning(warning)
  if (!record.autoRemove) clearStopMark(engine.store, record.id)
  if (healthCheckOf(config.request, subject.image)) writeHealth(engine.store, record.id, INITIAL_HEALTH)
  const monitorPid = becomesMonitor ? getpid() : fork.container.keeperPid()
  const state: { current: Launched['state'] | undefined } = { current: undefined }
  const signals = options.signalProxy && !choice.monitored ? catchSignals() : undefined
  const onCreated = (pid: number) => {
    const init = processRef(pid)
    if (!init) return
    const monitor = monitorPid === undefined ? undefined : processRef(monitorPid)
    const { ports } = prepared.network
    const cgroup = prepared.resources?.directory()
    const parts = {
      process: init,
      ...(monitor && { monitor }),
      ...(ports.length > 0 && { ports }),
      ...(cgroup !== undefined && { cgroup }),
    }
    state.current = held
      ? { status: 'initialized', ...parts }
      : {
          status: 'running',
          ...parts,
          startedAt: new Date().toISOString(),
          ...(restartCount > 0 && { restartCount }),
        }
    writeState(engine.store, record.id, state.current)
    writePidfiles(config.request, pid, monitorPid ?? getpid())
    options.onPlanned?.(pid, prepared.plan, config.request)
  }
  const running = stack.adopt(launch(engine, fork, prepared, onCreated), ({ end }) => end())
  prepared.finish()
  fork.stdio.closeTheirs()
  // Held on, they would outlive who has made them.
  fork.joined[Symbol.dispose]()
  appendEvent(engine.store, containerEvent(record, held ? 'init' : 'start'))
  if (!state.current) throw new BryoError('RUNTIME', 'the container ended before it was noticed to run')
  const owned = stack.move()
  return {
    container: running.container,
    fork,
    prepared,
    signals,
    state: state.current,
    networkFds: running.networkFds,
    release: running.release,
    [Symbol.dispose]: () => owned.dispose(),
  }
}

function writePidfiles({ pidfile, monitorPidfile }: ContainerRequest, pid: number, monitorPid: number): void {
  if (pidfile !== undefined) writeFileSync(pidfile, `${pid}`)
  if (monitorPidfile !== undefined) writeFileSync(monitorPidfile, `${monitorPid}`)
}

interface Running {
  readonly container: LaunchedContainer
  networkFds(): readonly number[]
  release(): void
  end(): void
}

function launch(
  engine: Engine,
  fork: OutlinedFork,
  prepared: PreparedLaunch,
  onCreated: (pid: number) => void,
): Running {
  const identity = engine.identity()
  const searchPath = engine.facts.env.PATH
  let network: ReturnType<PreparedLaunch['network']['start']> | undefined
  let released = false
  const { resources } = prepared
  using failure = new DisposableStack()
  failure.defer(() => resources?.remove())
  const container = fork.container.launch(prepared.plan, {
    finishIdMaps: () => fork.finishMaps(),
    writeIdMaps: (pid, maps) => writeIdMaps(pid, maps, { identity, searchPath }),
    ...(prepared.network.isServed && {
      startNetwork: (pid: number) => {
        const running = prepared.network.start(pid)
        network = running
        return { waitReady: () => running.waitReady(NETWORK_READY_MS), close: () => running.close() }
      },
    }),
    onCreated,
    ...(resources && { onForked: (pid: number) => resources.enter(pid, fork.container.keeperPid()) }),
  })
  failure.move()
  const helpers = [...(network?.processes().map(({ pid }) => pid) ?? []), container.fusePid]
  resources?.enterHelpers(helpers.filter((pid) => pid !== undefined))
  return {
    container,
    networkFds: () => network?.processes().map(({ exitFd }) => exitFd) ?? [],
    release: () => {
      released = true
    },
    end: () => {
      if (released) return
      // It is told to end; this process, about to end itself, does not wait for the kernel to take the device down.
      network?.close({ wait: false })
      if (container.fusePid !== undefined) waitForExit(container.fusePid)
      resources?.remove()
    },
  }
}

/** After a start that failed: a `--rm` container goes, of another one is noted why. */
export function settleFailure(engine: Engine, subject: StartSubject, error: unknown): void {
  if (subject.record.autoRemove) settle(engine, subject)
  else recordFailure(engine, subject.record, error)
}

/** Notes why a container could not start, where it stays. */
export function recordFailure(engine: Engine, record: ContainerRecord, error: unknown): void {
  if (record.autoRemove) return
  const before = readStateAfterCrash(engine.store, record.id)
  writeState(engine.store, record.id, {
    status: 'exited',
    exitCode: exitCodeOf(error),
    error: messageOf(error),
    ...('restartCount' in before &&
      before.restartCount !== undefined && { restartCount: before.restartCount }),
  })
}
