import { closeSync } from 'node:fs'
import type { MonitorConfig } from '../../../base/monitorConfig.ts'
import { executeMonitor } from '../../../runtime/stage/keeper.ts'
import { effectiveState, writeState } from '../../../storage/container/state.ts'
import { getWindowSize, isTerminal, setWindowSize } from '../../../syscall/tty.ts'
import type { Engine } from '../../engine.ts'
import { healthSchedule } from '../health/settings.ts'
import { lingerWarning } from '../linger.ts'
import { planLog } from '../logConfig.ts'
import { announce, type Notification, prepareNotification } from '../notify.ts'
import type { ForkChoice } from '../outline.ts'
import {
  type Launched,
  launchContainer,
  type StartOptions,
  type StartSubject,
  settleFailure,
} from '../start.ts'
import { stopNumbers } from '../stopSettings.ts'
import { type AttachEnd, type AttachOptions, attachTo, holdSignals } from './attach.ts'
import { closeMonitorFile, type MonitorLaunch, planMonitor } from './handOver.ts'
import { connectMonitor, openAttachSocket } from './socket.ts'

export interface MonitoredOptions extends StartOptions {
  /** How this process attaches itself; undefined to leave it in the background. */
  readonly attach: AttachOptions | undefined
  /** Called when the container runs and is on its own. */
  readonly onHandOver?: () => void
}

/** How a container with a monitor is forked. @param interactive its standard input is open */
export function monitoredFork(interactive: boolean, logDriver?: string): ForkChoice {
  return { monitored: true, grouped: true, stdio: logDriver === 'passthrough' ? 'own' : 'piped', interactive }
}

/**
 * Starts a container whose monitor outlives this process.
 * @returns undefined where it was left in the background
 * @throws BryoError where it could not start; a container with `--rm` is gone then
 */
export async function startMonitored(
  engine: Engine,
  subject: StartSubject,
  options: MonitoredOptions,
): Promise<AttachEnd | undefined> {
  const { record, config } = subject
  const { interactive, logDriver, tty } = config.request
  using notification = prepareNotification(engine, record, config.request)
  let launched: Launched
  try {
    const choice = monitoredFork(interactive, logDriver)
    launched = await launchContainer(engine, subject, { ...options, notification }, { choice })
  } catch (error) {
    settleFailure(engine, subject, error)
    throw error
  }
  using running = launched
  const listenFd = openAttachSocket(engine.store, record.id)
  // Connected before anybody takes connections, so that no output is missed.
  const socketFd = options.attach ? connectMonitor(engine.store, record.id) : undefined
  const { container, fork } = running
  const { terminalFd } = container
  if (terminalFd !== undefined && isTerminal(1)) setWindowSize(terminalFd, getWindowSize(1))
  if (options.attach) holdSignals(options.attach)
  handOver(engine, subject, running, { listenFd, awaitClient: socketFd !== undefined, notification })
  options.onHandOver?.()
  announce(notification, fork.container.keeperPid())
  if (!options.attach || socketFd === undefined) {
    const warning = lingerWarning(engine, running.state.cgroup)
    if (warning !== undefined) options.onWarning(warning)
    return undefined
  }
  subject.work?.lock.release()
  return attachTo(engine, record, { ...options.attach, socketFd, terminal: tty, initPid: container.pid })
}

/**
 * Makes all of a container but its workload, and leaves it to a monitor.
 * @throws BryoError where that fails; the container is as it was then
 */
export async function initializeMonitored(
  engine: Engine,
  subject: StartSubject,
  options: Pick<StartOptions, 'onWarning'>,
): Promise<void> {
  const { record, config } = subject
  const { interactive, logDriver } = config.request
  const before = effectiveState(engine.store, record.id)
  try {
    using notification = prepareNotification(engine, record, config.request)
    using running = await launchContainer(
      engine,
      subject,
      { ...options, signalProxy: false, preservedFds: [], interactive, notification },
      { choice: monitoredFork(interactive, logDriver), held: true },
    )
    const listenFd = openAttachSocket(engine.store, record.id)
    handOver(engine, subject, running, { listenFd, awaitClient: false, notification })
    const warning = lingerWarning(engine, running.state.cgroup)
    if (warning !== undefined) options.onWarning(warning)
  } catch (error) {
    writeState(engine.store, record.id, before)
    throw error
  }
}

/** From now on the container is its monitor's, and this process keeps nothing of it open. */
function handOver(engine: Engine, subject: StartSubject, running: Launched, details: MonitorDetails): void {
  const monitor = monitorOf(engine, subject, running, details)
  running.fork.container.handOver(monitor.program, monitor.fds)
  running.release()
  closeMonitorFile(monitor)
  closeOwnEnds(running, details.listenFd)
}

/** Starts a container as its restart policy asks, in the process of its former monitor. Ends by executing the monitor. */
export async function restartInPlace(
  engine: Engine,
  subject: StartSubject,
  previous: { readonly restartCount: number; readonly backOffMs: number },
): Promise<never> {
  const { record, config } = subject
  const { interactive, logDriver } = config.request
  const notification = prepareNotification(engine, record, config.request)
  const options = { signalProxy: false, preservedFds: [], interactive, onWarning: () => {}, notification }
  const choice = { ...monitoredFork(interactive, logDriver), monitored: false }
  const { restartCount } = previous
  const launched = await launchContainer(engine, subject, options, {
    choice,
    restartCount,
    becomesMonitor: true,
  })
  const listenFd = openAttachSocket(engine.store, record.id)
  const monitor = monitorOf(engine, subject, launched, {
    listenFd,
    awaitClient: false,
    notification,
    ...previous,
  })
  return executeMonitor(monitor.program, monitor.fds)
}

interface MonitorDetails {
  readonly listenFd: number
  readonly awaitClient: boolean
  readonly notification: Notification | undefined
  readonly restartCount?: number
  readonly backOffMs?: number
}

function monitorOf(
  engine: Engine,
  { record, config, image, work }: StartSubject,
  { container, fork, state, networkFds }: Launched,
  { listenFd, awaitClient, notification, restartCount = 0, backOffMs = 0 }: MonitorDetails,
): MonitorLaunch {
  const { request } = config
  const health = healthSchedule(request, image)
  const document: Omit<MonitorConfig, 'fds' | 'bryo' | 'env'> = {
    id: record.id,
    name: record.name,
    imageName: record.image?.name ?? '',
    dataRoot: engine.store.dataRoot,
    runRoot: engine.store.runRoot,
    init: state.process,
    ...('startedAt' in state && { startedAt: state.startedAt }),
    ports: state.ports ?? [],
    log: planLog(engine.store, record, request),
    awaitClient,
    ownsIds: !fork.joined.sharesIds,
    autoRemove: record.autoRemove,
    stop: stopNumbers(request, image),
    ...(request.timeoutSeconds !== undefined &&
      request.timeoutSeconds > 0 && { timeoutMs: request.timeoutSeconds * 1000 }),
    ...(health && { health }),
    ...(state.cgroup !== undefined && { cgroup: state.cgroup }),
    ...(notification && { notifySocket: notification.hostSocket }),
    restart: request.restart ?? { name: 'no', maxRetries: 0 },
    restartCount,
    backOffMs,
  }
  const fds = {
    attach: listenFd,
    ...(container.terminalFd !== undefined && { terminal: container.terminalFd }),
    ...(container.controlFd !== undefined && { control: container.controlFd }),
    ...fork.stdio.ours,
    ...(notification?.proxyFd !== undefined && { notify: notification.proxyFd }),
    ...(container.mountFd !== undefined && { mounts: container.mountFd }),
    ...(work && { work: work.lock.fd }),
  }
  return planMonitor(engine, document, { fds, held: networkFds() })
}

/** What the monitor has now: where this process goes on, as a client or with other containers, it must not keep any of it open. */
function closeOwnEnds({ container, fork, networkFds }: Launched, listenFd: number): void {
  const { terminalFd, controlFd } = container
  const { stdin, stdout, stderr } = fork.stdio.ours
  for (const fd of [listenFd, terminalFd, controlFd, stdin, stdout, stderr, ...networkFds()]) {
    if (fd !== undefined) closeSync(fd)
  }
}
