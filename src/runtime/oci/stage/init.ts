import { closeSync } from 'node:fs'
import { rootIds } from '../../../base/idmap.ts'
import { dupAtLeast, pollReadable } from '../../../syscall/fd.ts'
import { MOUNT_ATTR, MS, mount, mountSetattr } from '../../../syscall/mount.ts'
import { bringLoopbackUp } from '../../../syscall/net.ts'
import { exitNow, setDomainName, setDumpable, setHostname, setsid, umask } from '../../../syscall/process.ts'
import { acceptNonBlocking } from '../../../syscall/socket.ts'
import { createWorkingDirectory } from '../../stage/execute.ts'
import { maskPaths, protectPaths } from '../../stage/masks.ts'
import { attachMount, type DetachedMount } from '../../stage/mounts.ts'
import { enterRoot } from '../../stage/rootfs.ts'
import { reportFailure, step } from '../../stage/step.ts'
import { writeSysctls } from '../../stage/sysctl.ts'
import { setUpTerminal } from '../../stage/terminal.ts'
import { copyUpVolume } from '../../stage/volumes.ts'
import { becomeRoot } from '../../stage/workload.ts'
import { expectOciParentMessage, receiveOciParentMessage, sendOciMessage } from '../messages.ts'
import type { OciMountStep } from '../mountPlan.ts'
import type { ContainerPlan } from '../plan.ts'
import { stateDocument } from '../state.ts'
import { addDevices, openPlannedDevices } from './devices.ts'
import { runHooks } from './hooks.ts'
import { attachRoot, createOciMount, type MountPlace, openRoot, setPropagation } from './mounts.ts'
import { enterCgroupNamespace } from './namespaces.ts'
import {
  becomePlannedUser,
  executePlanned,
  inheritStdio,
  openProcessFiles,
  type ReadyProcess,
} from './process.ts'

const FIRST_FD = 3

export interface OciInitFds {
  /** To whoever creates the container. */
  readonly controlFd: number
  /** Takes the connections of `start`; non-blocking. */
  readonly listenFd: number
}

/**
 * Body of a container's first process: builds the container around itself, waits for the order to start, and becomes the user's program.
 * Synchronous, in the forked copy of the runtime.
 */
export function runOciInit(plan: ContainerPlan, fds: OciInitFds): never {
  const { controlFd, listenFd } = fds
  try {
    setsid()
    umask(0)
    expectOciParentMessage(controlFd, 'maps-written')
    const files = openProcessFiles(plan.process, { visible: plan.maps !== undefined })
    const ownGroup = step('enter the cgroup namespace', () => enterCgroupNamespace(plan))
    const rootFd = buildRoot(plan, { controlFd, ownGroup })
    prepareKernel(plan, rootFd)
    prepareStdio(plan, rootFd.fd, controlFd)
    finishRoot(plan)
    const ready = becomePlannedUser(plan.process, rootFd.fd, files)
    sendOciMessage(controlFd, { kind: 'ready' })
    // Where the state could not be written, nobody would ever find this process.
    expectOciParentMessage(controlFd, 'release')
    closeSync(controlFd)
    awaitStart(plan, ready, listenFd)
  } catch (error) {
    reportFailure(controlFd, error)
    return exitNow(1)
  }
}

interface RootSurroundings {
  readonly controlFd: number
  /** See createOciMount(). */
  readonly ownGroup: string
}

interface BuiltRoot {
  readonly fd: number
  /** See ProtectedTrees. */
  readonly kernelTrees: ReadonlyMap<string, number>
}

/** Everything in its place, and the host's root gone. The hooks run in between, while the host's programs are still in reach. */
function buildRoot(plan: ContainerPlan, { controlFd, ownGroup }: RootSurroundings): BuiltRoot {
  step('detach mount propagation', () => setPropagation(plan))
  const root = step(`open the root "${plan.root.path}"`, () => openRoot(plan.root.path))
  const mounts = new Map<number, DetachedMount>()
  // Sources lie where the caller may go, which the container's root may not.
  const place = { staging: plan.staging, ownGroup }
  makeMounts(plan.mounts, mounts, { which: 'sources', place })
  const devices = step('take the device nodes', () => openPlannedDevices(plan))
  step('become root of the container', () => becomePlannedRoot(plan))
  makeMounts(plan.mounts, mounts, { which: 'filesystems', place })
  const rootFd = step('mount the root', () => attachRoot(root))
  const kernelTrees = new Map<string, number>()
  plan.mounts.forEach((mount, index) => {
    const { target, strictTarget } = mount
    const detached = mounts.get(index)
    if (!detached) return
    step(`mount "${target}"`, () => {
      if (mount.copyUp) fill(rootFd, mount, detached)
      if (target === '/proc' || target === '/sys') kernelTrees.set(target, dupAtLeast(detached.fd, FIRST_FD))
      attachMount(rootFd, { target, strictTarget }, detached)
    })
  })
  step('add the devices', () => addDevices(plan, rootFd, devices))
  if (plan.namespaces.create.includes('network')) step('bring up the loopback device', bringLoopbackUp)
  runContainerHooks(plan, controlFd)
  const fd = step('enter the root', () => enterRoot(rootFd))
  closeSync(rootFd)
  return { fd, kernelTrees }
}

function makeMounts(
  mounts: ContainerPlan['mounts'],
  made: Map<number, DetachedMount>,
  { which, place }: { readonly which: 'sources' | 'filesystems'; readonly place: MountPlace },
): void {
  mounts.forEach((mount, index) => {
    const ofHost = mount.source.kind === 'bind' || mount.source.kind === 'overlay'
    if (ofHost !== (which === 'sources')) return
    step(`mount "${mount.target}"`, () => made.set(index, createOciMount(mount, place)))
  })
}

/** The new filesystem takes the directory's mode where it was not given one. */
function fill(rootFd: number, { target, source, attributes }: OciMountStep, detached: DetachedMount): void {
  const hasMode = source.kind === 'filesystem' && Object.hasOwn(source.options, 'mode')
  copyUpVolume(rootFd, target, detached.fd, hasMode)
  mountSetattr({ dirfd: detached.fd, path: '', recursive: false, set: attributes })
}

/** In a user namespace of its own, or one that was joined. In the caller's the caller stays who it is. */
function becomePlannedRoot({ maps, namespaces }: ContainerPlan): void {
  const joined = namespaces.join.some(({ type }) => type === 'user')
  if (!maps && !joined) return
  becomeRoot(maps ? rootIds(maps) : ROOT, false)
  // Whoever made the namespace may look into its processes; nothing of the container runs yet.
  if (maps) setDumpable(true)
}

const ROOT: ReturnType<typeof rootIds> = { uid: 0, gid: 0 }

function runContainerHooks(plan: ContainerPlan, controlFd: number): void {
  sendOciMessage(controlFd, { kind: 'mounted' })
  const { pid } = expectOciParentMessage(controlFd, 'hooks-done')
  step('run the createContainer hooks', () =>
    runHooks('createContainer', plan.hooks.createContainer, stateDocument(plan, 'creating', pid)),
  )
}

/** What needs the kernel's files to be writable, and then their protection. */
function prepareKernel(plan: ContainerPlan, { fd: rootFd, kernelTrees }: BuiltRoot): void {
  const { hostname, domainname } = plan
  if (hostname !== undefined) step('set the host name', () => setHostname(hostname))
  if (domainname !== undefined) step('set the domain name', () => setDomainName(domainname))
  step('create the working directory', () => createWorkingDirectory(rootFd, plan.process.cwd))
  step('set the kernel parameters', () => writeSysctls(rootFd, plan.sysctl))
  step('protect paths', () => {
    protectPaths({ rootFd, kernelTrees }, plan.readonlyPaths)
    maskPaths({ rootFd, kernelTrees }, plan.maskedPaths)
  })
  for (const fd of kernelTrees.values()) closeSync(fd)
}

function prepareStdio({ process }: ContainerPlan, rootFd: number, controlFd: number): void {
  if (process.terminal)
    step('set up the terminal', () => setUpTerminal({ rootFd, controlFd }, process, process))
  else step('set up stdio', () => inheritStdio(process))
}

function finishRoot({ root, rootfsPropagation }: ContainerPlan): void {
  if (root.readonly) {
    step('make the root read-only', () =>
      mountSetattr({ path: '/', recursive: false, set: MOUNT_ATTR.rdonly }),
    )
  }
  if (!rootfsPropagation) return
  const { type, recursive } = rootfsPropagation
  step('set the propagation of the root', () =>
    mount({ target: '/', flags: MS[type] | (recursive ? MS.rec : 0) }),
  )
}

/** Waits for a connection with the order to start: a look at whether this process still waits is none. */
function awaitStart(plan: ContainerPlan, ready: ReadyProcess, listenFd: number): never {
  for (;;) {
    pollReadable(listenFd, -1)
    const connection = acceptNonBlocking(listenFd)
    if (connection === undefined) continue
    pollReadable(connection, -1)
    const order = receiveOciParentMessage(connection)
    if (order?.kind === 'start') start(plan, ready, { listenFd, connection, pid: order.pid })
    closeSync(connection)
  }
}

interface StartOrder {
  readonly listenFd: number
  readonly connection: number
  readonly pid: number
}

function start(plan: ContainerPlan, ready: ReadyProcess, { listenFd, connection, pid }: StartOrder): never {
  try {
    closeSync(listenFd)
    step('run the startContainer hooks', () =>
      runHooks('startContainer', plan.hooks.startContainer, stateDocument(plan, 'created', pid)),
    )
    return executePlanned(plan.process, ready, connection)
  } catch (error) {
    reportFailure(connection, error)
    return exitNow(1)
  }
}
