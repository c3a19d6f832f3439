import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { BryoError, exitCodeOf, isErrno, messageOf } from '../base/errors.ts'
import { type MonitorConfig, type RestartPolicy, STOP_NOTICE } from '../base/monitorConfig.ts'
import { SIGTERM } from '../base/signals.ts'
import { freezeGroup, killGroup } from '../cgroup/group.ts'
import { openLogSink } from '../monitor/log/open.ts'
import { monitorContainer } from '../monitor/monitor.ts'
import { createReactor, type Reactor } from '../monitor/reactor.ts'
import { scheduleHealthChecks } from '../monitor/schedule.ts'
import { readContainer } from '../storage/container/record.ts'
import { type ContainerState, processRef, writeState } from '../storage/container/state.ts'
import { appendEvent } from '../storage/events.ts'
import { type Store, storeAt } from '../storage/store.ts'
import { closeOnExecFrom, readAvailable, setCloseOnExec } from '../syscall/fd.ts'
import { POLL } from '../syscall/poll.ts'
import {
  execve,
  exitCodeOfStatus,
  exitNow,
  getpid,
  setChildSubreaper,
  setProcessName,
  spawnProgram,
} from '../syscall/process.ts'
import { openSignalFd, resetSignals, takeSignal } from '../syscall/signal.ts'
import { containerEvent, diedEvent, monitoredSubject } from './container/event.ts'
import { planRestart } from './container/monitor/end.ts'
import { failureNotice, holdWorkload } from './container/monitor/held.ts'
import { type MemoryWatch, watchMemory } from './container/monitor/memory.ts'
import { hasStopMark, markStopped } from './container/monitor/stopMark.ts'
import { notifyHost, passedLines } from './container/notify.ts'
import { endMembers } from './container/processes/endMembers.ts'
import { storedConfig } from './container/stored.ts'

const CONFIG_FD = 3

/** The program that outlives a detached `bryo run`: it serves one container, records its end, and sees to what follows. */
function main(): void {
  closeOnExecFrom(CONFIG_FD)
  setProcessName('bryo-monitor')
  setChildSubreaper()
  const config = readConfig()
  const store = storeAt(config)
  const end = serve(config, store)
  if (end.restartMs !== undefined) {
    if (pause(end.restartMs)) {
      executeBryo(config, ['__restart', config.id, String(config.restartCount + 1), String(end.restartMs)])
    }
    writeState(store, config.id, { ...end.state, stoppedByUser: true })
  }
  if (config.autoRemove && config.fds.work !== undefined) {
    setCloseOnExec(config.fds.work, false)
    executeBryo(config, ['__remove', config.id, String(config.fds.work)])
  }
  exitNow(0)
}

/** The document was made by the same version of this program, for this process alone. */
function readConfig(): MonitorConfig {
  const buffer = Buffer.alloc(fstatSync(CONFIG_FD).size)
  readSync(CONFIG_FD, buffer, 0, buffer.length, 0)
  return JSON.parse(buffer.toString()) as MonitorConfig
}

interface Served {
  readonly state: Extract<ContainerState, { readonly status: 'exited' }>
  readonly restartMs: number | undefined
}

function serve(config: MonitorConfig, store: Store): Served {
  const held = config.fds.control === undefined ? undefined : holdWorkload(config, store, config.fds.control)
  let served: Served | undefined
  let memory: MemoryWatch | undefined
  monitorContainer({
    initPid: config.init.pid,
    fds: config.fds,
    log: openLogSink(config.log),
    awaitClient: config.awaitClient,
    timeoutMs: config.timeoutMs,
    stop: config.stop,
    onStop: () => {
      markStopped(store, config.id)
      // What is paused would not hear of it.
      if (config.cgroup !== undefined) freezeGroup(config.cgroup, false)
    },
    release: held?.release,
    onServe: (reactor) => {
      memory = watchMemory(reactor, config.cgroup)
      passNotifications(reactor, config)
    },
    onStart: (reactor, children) => {
      if (config.health) scheduleHealthChecks(reactor, children, config.health, () => startCheck(config))
    },
    onExit: () => {
      const { mounts } = config.fds
      // What no pid namespace takes along, and has left the container's mount namespace.
      if (config.cgroup !== undefined) killGroup(config.cgroup)
      if (mounts === undefined) return
      endMembers(mounts, { nested: config.ownsIds })
      closeSync(mounts)
    },
    onEnd: (status) => {
      const oomKilled = memory?.killed() ?? false
      memory?.end()
      const failure = held?.failure()
      if (failure) {
        const state = { status: 'exited', exitCode: exitCodeOf(failure), error: messageOf(failure) } as const
        served = { state, restartMs: undefined }
        unlessFull(() => writeState(store, config.id, state))
        return { exitCode: state.exitCode, failure: failureNotice(failure) }
      }
      const startedAt = config.startedAt ?? held?.startedAt()
      const exitCode = exitCodeOfStatus(status)
      served = recordEnd(config, store, { startedAt, exitCode, oomKilled })
      return { exitCode }
    },
  })
  if (!served) throw new Error('the container was left before its end')
  return served
}

interface End {
  /** RFC 3339; undefined where its workload never ran. */
  readonly startedAt: string | undefined
  readonly exitCode: number
  readonly oomKilled: boolean
}

/** Writes down how a container has ended, and decides whether it is to be started again. */
function recordEnd(config: MonitorConfig, store: Store, { startedAt, exitCode, oomKilled }: End): Served {
  const { id, restartCount } = config
  const stoppedByUser = hasStopMark(store, id)
  const restartMs =
    startedAt === undefined
      ? undefined
      : planRestart(
          { ...config, restart: storedPolicy(store, config) },
          { exitCode, stoppedByUser, ranMs: Date.now() - Date.parse(startedAt) },
        )
  const restarting = restartMs === undefined ? undefined : processRef(getpid())
  const state = {
    status: 'exited',
    exitCode,
    ...(startedAt !== undefined && { startedAt }),
    finishedAt: new Date().toISOString(),
    ...(restartCount > 0 && { restartCount }),
    ...(stoppedByUser && { stoppedByUser }),
    ...(oomKilled && { oomKilled }),
  } as const
  unlessFull(() => writeState(store, id, restarting ? { ...state, restarting } : state))
  const subject = monitoredSubject(config, store)
  if (oomKilled) appendEvent(store, containerEvent(subject, 'oom'))
  appendEvent(store, diedEvent(subject, exitCode))
  return { state, restartMs }
}

/** On a full disk the end cannot be written, but clients learn of it all the same, and what comes after it still comes. */
function unlessFull(write: () => void): void {
  try {
    write()
  } catch (error) {
    if (!(error instanceof BryoError && error.code === 'NO_SPACE')) throw error
  }
}

const MAX_DATAGRAM = 4096

/** What the container tells the service manager, as far as it may. */
function passNotifications(reactor: Reactor, { fds, notifySocket }: MonitorConfig): void {
  const { notify } = fds
  if (notify === undefined || notifySocket === undefined) return
  const buffer = new Uint8Array(MAX_DATAGRAM)
  reactor.watch(notify, POLL.in, () => {
    const length = readAvailable(notify, buffer)
    const lines = length === undefined ? [] : passedLines(buffer.subarray(0, length))
    if (lines.length > 0) notifyHost(notifySocket, lines)
  })
}

/**
 * The check is made by the full program: the monitor stays small. undefined where the host has no process or memory to spare: the
 * container goes on, and the next check may find more.
 */
function startCheck({ bryo, env, id }: MonitorConfig): number | undefined {
  const nothing = openSync('/dev/null', 'r+')
  try {
    const [path = ''] = bryo
    const argv = [...bryo, 'healthcheck', 'run', '--scheduled', id]
    return spawnProgram({ path, argv, env, fds: [0, 1, 2].map((fd) => [fd, nothing]), newSession: true })
  } catch (error) {
    if (isErrno(error, 'EAGAIN', 'ENOMEM', 'ENOENT')) return undefined
    throw error
  } finally {
    closeSync(nothing)
  }
}

/** `update` may have changed it meanwhile. */
function storedPolicy(store: Store, { id, restart }: MonitorConfig): RestartPolicy {
  const record = readContainer(store, id)
  return (record && storedConfig(record).request.restart) ?? restart
}

/** Waits between two starts; false where the user has stopped the container meanwhile. */
function pause(delayMs: number): boolean {
  const reactor = createReactor()
  const signalFd = openSignalFd([SIGTERM, STOP_NOTICE])
  let goOn = true
  reactor.watch(signalFd, POLL.in, () => {
    if (takeSignal(signalFd) === undefined) return
    goOn = false
    reactor.stop()
  })
  reactor.after(delayMs, () => reactor.stop())
  reactor.run()
  return goOn
}

/** Goes on as the full program, in this process. */
function executeBryo({ bryo, env }: MonitorConfig, args: readonly string[]): never {
  const [path = ''] = bryo
  // Where that comes now, the next monitor has it.
  resetSignals([STOP_NOTICE])
  return execve(path, [...bryo, ...args], env)
}

main()
