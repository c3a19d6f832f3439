import { closeSync, openSync } from 'node:fs'
import { type BryoError, isErrno } from '../base/errors.ts'
import { countSilentFork } from '../base/forkCount.ts'
import type { IdMaps } from '../base/idmap.ts'
import { dupAtLeast, ownFd, pollReadable, receiveFd } from '../syscall/fd.ts'
import { O } from '../syscall/file.ts'
import { NAMESPACE_FILE } from '../syscall/namespace.ts'
import { setChildSubreaper } from '../syscall/process.ts'
import { awaitExecution, awaitPrepared, unexpectedMessage, WorkloadFailure } from './execution.ts'
import { startFuseOverlay } from './fuse.ts'
import { type MonitorProgram, receiveStageMessage, stageError, tellInit } from './messages.ts'
import { holdNetwork } from './networkHolder.ts'
import { type ForkPlan, isInSight, joinedUser, type LaunchPlan } from './plan.ts'
import { writePlan } from './planFile.ts'
import {
  awaitInit,
  awaitStart,
  endProcess,
  type ForkedStages,
  type FoundInit,
  forkStages,
  SilentFork,
} from './stages.ts'

/** What the other rooms do for a container while it is being made. All synchronous. */
export interface LaunchHooks {
  /** Init waits, and has done nothing of what the plan says. */
  onForked?(pid: number): void
  /** Init's user namespace has its id maps when this returns. */
  finishIdMaps(): void
  /** Writes the id maps of another process's new user namespace. */
  writeIdMaps(pid: number, maps: IdMaps): void
  /** Starts what serves the network of a process's namespaces, and returns before it is ready; missing where nothing does. */
  startNetwork?(pid: number): { waitReady(): void; close(): void }
  /** Init exists and will not execute the workload before this returns; where it is held, it is all prepared. */
  onCreated(pid: number): void
}

export interface LaunchedContainer {
  /** Pid of init as the host sees it; a child of this process, or of the keeper. */
  readonly pid: number
  /** Master end of the container's terminal. */
  readonly terminalFd: number | undefined
  /** Pid of fuse-overlayfs; it ends with the container's mounts. */
  readonly fusePid: number | undefined
  /** Where init is held: what it waits at for `proceed`, and ends with. */
  readonly controlFd: number | undefined
  /** Its mount namespace, where its processes do not end with a pid namespace of its own; open until `closeNamespaces`. */
  readonly mountFd: number | undefined
}

/** Processes that make their namespaces already, while the plan for what follows is still being made. */
export interface ForkedContainer extends Disposable {
  /**
   * Pid of init, which is in the new namespaces and waits.
   * @throws NamespaceFailure where they could not be made
   */
  initPid(): number
  /**
   * Hands the plan over, and sees the container through until its workload has been executed, or, where the plan holds it, could be.
   * @throws BryoError; nothing is left running then
   */
  launch(plan: LaunchPlan, hooks: LaunchHooks): LaunchedContainer
  /** The process that will be the monitor; undefined where this process is init's parent. */
  keeperPid(): number | undefined
  /** After the launch: the keeper executes the monitor, with these fds from 3 on. The container no longer depends on this process. */
  handOver(program: MonitorProgram, fds: readonly number[]): void
  /** Nothing of the container is held by this process any more; nothing the second time. */
  closeNamespaces(): void
}

/** Forks the processes of a container; without `launch` they end with the scope. */
export function forkContainer(plan: ForkPlan): ForkedContainer {
  if (!plan.monitored) setChildSubreaper()
  let current = forkStages(plan)
  let init: FoundInit | undefined
  let launched = false
  const findInit = () => {
    if (init !== undefined) return init
    try {
      init = awaitInit(current)
    } catch (error) {
      if (!(error instanceof SilentFork)) throw error
      // It was caught in a lock of the engine that another thread held at the fork: it harms nobody, and one more is forked.
      countSilentFork()
      current.end()
      current = forkStages(plan)
      init = awaitInit(current)
    }
    // This process waits for nobody but init: what that leaves is for the host's own to reap.
    if (plan.hostPids && !plan.monitored) setChildSubreaper(false)
    if (plan.hostPids && !isInSight(plan)) init = { ...init, shown: openMounts(init.pid) }
    current.tellKeeper({ kind: 'init', pid: init.pid })
    return init
  }
  let shownOpen = true
  const closeNamespaces = () => {
    if (shownOpen) for (const fd of Object.values(init?.shown ?? {})) closeSync(fd)
    shownOpen = false
  }
  return {
    initPid: () => findInit().pid,
    closeNamespaces,
    keeperPid: () => current.keeperPid,
    handOver: (program, fds) => {
      current.handOver(program, fds)
      closeNamespaces()
    },
    launch: (launchPlan, hooks) => {
      const launch = { init: findInit(), forked: current, plan, launchPlan, hooks }
      // From here on a failure ends init by itself.
      launched = true
      return seeThrough(launch)
    },
    [Symbol.dispose]: () => {
      current.end()
      closeNamespaces()
      if (init !== undefined && !launched && current.keeperPid === undefined) endProcess(init.pid)
    },
  }
}

/** The mount namespace of an init that waits; nothing where it has failed, for which it has a reason to give. */
function openMounts(pid: number): FoundInit['shown'] {
  try {
    return { mount: openSync(`/proc/${pid}/ns/${NAMESPACE_FILE.mount}`, O.rdonly | O.cloexec) }
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error
    return {}
  }
}

interface Launch {
  readonly init: FoundInit
  readonly forked: ForkedStages
  readonly plan: ForkPlan
  readonly launchPlan: LaunchPlan
  readonly hooks: LaunchHooks
}

function seeThrough(launch: Launch): LaunchedContainer {
  const { init, forked, plan, launchPlan, hooks } = launch
  const initPid = init.pid
  const { controlFd } = forked
  const undo = new DisposableStack()
  try {
    writePlan(forked.planFd, launchPlan)
    if (!init.started) awaitStart(forked)
    hooks.onForked?.(initPid)
    tellInit(controlFd, 'planned')
    hooks.finishIdMaps()
    tellInit(controlFd, 'maps-written')
    using holder = hooks.startNetwork && holdNetwork(plan, init.shown.network)
    const network = hooks.startNetwork?.(holder?.pid ?? initPid)
    if (network) undo.defer(() => network.close())
    const fusePid = launchPlan.rootfs.kind === 'fuse-overlayfs' ? awaitFuse(launch, undo) : undefined
    const execution = launchPlan.held ? prepare(launch, network) : execute(launch, network)
    undo.move()
    return { pid: initPid, fusePid, mountFd: init.shown.mount, ...execution }
  } catch (error) {
    // What init has to say tells more than what failed here because init was gone.
    throw error instanceof WorkloadFailure ? error : (pendingFailure(controlFd) ?? error)
  } finally {
    undo.dispose()
    forked.close()
  }
}

interface Network {
  waitReady(): void
}

type Execution = Pick<LaunchedContainer, 'terminalFd' | 'controlFd'>

function execute({ init, forked, hooks }: Launch, network: Network | undefined): Execution {
  hooks.onCreated(init.pid)
  network?.waitReady()
  tellInit(forked.controlFd, 'proceed')
  return { terminalFd: awaitExecution(forked.controlFd, init.pid), controlFd: undefined }
}

function prepare({ init, forked, hooks }: Launch, network: Network | undefined): Execution {
  network?.waitReady()
  const terminalFd = awaitPrepared(forked.controlFd)
  hooks.onCreated(init.pid)
  return { terminalFd, controlFd: dupAtLeast(forked.controlFd, FIRST_FREE_FD) }
}

/** Below it is stdio. */
const FIRST_FREE_FD = 3

function pendingFailure(controlFd: number): BryoError | undefined {
  while (pollReadable(controlFd, 0)) {
    const message = receiveStageMessage(controlFd)
    if (message === undefined) return undefined
    if (message.kind === 'failed') return stageError(message)
  }
  return undefined
}

function awaitFuse(launch: Launch, undo: DisposableStack): number {
  const { controlFd } = launch.forked
  const message = receiveStageMessage(controlFd)
  if (message?.kind !== 'fuse') throw unexpectedMessage(message)
  return undo.adopt(
    serveFuse(launch.launchPlan, launch.hooks, {
      controlFd,
      outlivesCaller: launch.plan.monitored,
      userPath: userPath(launch),
    }),
    endProcess,
  )
}

/** Init may hide from this process too. */
function userPath({ init, plan }: Launch): string {
  const user = joinedUser(plan)
  return user ? `/proc/self/fd/${user.fd}` : `/proc/${init.pid}/ns/user`
}

function serveFuse(
  { rootfs, maps, asHostRoot }: LaunchPlan,
  hooks: LaunchHooks,
  init: {
    readonly userPath: string
    readonly controlFd: number
    readonly outlivesCaller: boolean
  },
): number {
  if (rootfs.kind !== 'fuse-overlayfs') throw unexpectedMessage({ kind: 'fuse' })
  const { outlivesCaller } = init
  using fuse = ownFd(receiveFd(init.controlFd))
  using user = ownFd(openSync(init.userPath, 'r'))
  try {
    const context = { fuseFd: fuse.fd, userFd: user.fd, maps, asHostRoot, outlivesCaller }
    return startFuseOverlay(rootfs, context, hooks.writeIdMaps)
  } finally {
    tellInit(init.controlFd, 'rootfs-ready')
  }
}
