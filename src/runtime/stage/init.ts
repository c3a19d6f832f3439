import { closeSync, openSync } from 'node:fs'
import { rootIds } from '../../base/idmap.ts'
import { closeAllFdsBut, dupAtLeast, ownFd, sendFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { MOUNT_ATTR, mountSetattr } from '../../syscall/mount.ts'
import { unshare } from '../../syscall/namespace.ts'
import { bringLoopbackUp } from '../../syscall/net.ts'
import { exitNow, setDomainName, setDumpable, setHostname, setsid, umask } from '../../syscall/process.ts'
import { expectParentMessage, sendMessage } from '../messages.ts'
import type { MountStep } from '../mountPlan.ts'
import type { LaunchPlan, StdioFds } from '../plan.ts'
import { readPlan } from '../planFile.ts'
import { attachDevices, createDeviceLinks, type HostDevice, openHostDevices } from './devices.ts'
import { createWorkingDirectory } from './execute.ts'
import {
  closeGenerated,
  fillGenerated,
  type Identity,
  type IdentityFiles,
  lookUpIdentity,
  openIdentityFiles,
} from './identity.ts'
import { maskPaths, protectPaths } from './masks.ts'
import { attachMount, createFromOpenOverlay, createMount, type DetachedMount } from './mounts.ts'
import { mountOpenOverlay, openOverlay } from './overlay.ts'
import { detachPropagation, enterRoot, mountFuse, mountRoot } from './rootfs.ts'
import { placeSecrets } from './secrets.ts'
import { setUpStdio } from './stdio.ts'
import { reportFailure, step } from './step.ts'
import { writeSysctl, writeSysctls } from './sysctl.ts'
import { setUpTerminal } from './terminal.ts'
import { chownVolume, copyUpVolume } from './volumes.ts'
import { becomeRoot, becomeWorkload } from './workload.ts'

/** What was taken from the host before its root was left. */
interface Luggage {
  readonly mounts: Map<number, DetachedMount>
  readonly devices: readonly HostDevice[]
  readonly identityFiles: IdentityFiles | undefined
  /** An fd of /proc and of /sys by their targets, once they are attached. */
  readonly kernelTrees: Map<string, number>
}

/** The processes' ends of what connects them with the waiting process. */
export interface StageFds {
  readonly controlFd: number
  /** Holds the plan once the message `planned` has come. */
  readonly planFd: number
  readonly stdio: StdioFds | undefined
}

/** Below it is stdio. */
const FIRST_FREE_FD = 3

/**
 * Body of the container's first process, up to the workload: never returns. Synchronous, in the forked copy of the runtime.
 * @param inSight others that share its pid namespace could look into it
 */
export function runInit({ controlFd, planFd, stdio }: StageFds, inSight = false): never {
  try {
    setsid()
    umask(0)
    step('detach mount propagation', detachPropagation)
    expectParentMessage(controlFd, 'planned')
    const plan = step('read the plan', () => readPlan(planFd))
    if (plan.newCgroupNamespace) step('create the cgroup namespace', () => unshare(['cgroup']))
    const luggage = packLuggage(plan)
    expectParentMessage(controlFd, 'maps-written')
    using mountPoint = ownFd(changeToRoot(plan, luggage, { controlFd, inSight }))
    const rootFd = step('enter the root filesystem', () => enterRoot(mountPoint.fd))
    const identity = step('look up the user', () => lookUpIdentity(rootFd, plan.user, plan.maps))
    furnishRoot(plan, rootFd, luggage, identity)
    showIdentity(plan, rootFd, luggage.identityFiles, identity)
    protectKernel(plan, rootFd, luggage)
    prepareProcess(plan, { rootFd, controlFd, stdio }, identity)
    if (plan.held) reportPrepared(controlFd, [rootFd, mountPoint.fd])
    expectParentMessage(controlFd, 'proceed')
    becomeWorkload({ ...plan, process: plan.spec.process }, { rootFd, controlFd }, identity)
  } catch (error) {
    reportFailure(controlFd, error)
    exitNow(1)
  }
}

/** It may be long before the workload is wanted: till then no lock or file of whoever has called bryo stays open here. */
function reportPrepared(controlFd: number, fds: readonly number[]): void {
  closeAllFdsBut([0, 1, 2, controlFd, ...fds])
  sendMessage(controlFd, { kind: 'prepared' })
}

/** All that needs the host's root but no id map: it overlaps with newuidmap. */
function packLuggage(plan: LaunchPlan): Luggage {
  const mounts = new Map<number, DetachedMount>()
  packMounts(plan, mounts, (mount) => mount.beforePivot && mount.source.kind !== 'overlay')
  const devices = step('take the device nodes', () => openHostDevices(plan.spec.linux.devices))
  const identityFiles = step('prepare the user database', () =>
    openIdentityFiles(plan.filesDirectory, plan.user),
  )
  return { mounts, devices, identityFiles, kernelTrees: new Map() }
}

/**
 * Mounts the root, as the caller or as the container's root, and becomes the latter; gives an fd of the mounted root. That is found as the
 * caller and entered as container root: the one may lack rights in the container's root, the other on the way to it.
 */
function changeToRoot(
  plan: LaunchPlan,
  luggage: Luggage,
  { controlFd, inSight }: { readonly controlFd: number; readonly inSight: boolean },
): number {
  const { rootfs, mountPoint, asHostRoot } = plan
  const stack =
    asHostRoot && rootfs.kind === 'overlay' ? openOverlay(rootfs, mountPoint, rootfs.base) : undefined
  const overlays = asHostRoot ? openOverlays(plan) : []
  if (!stack) mountRootfs(plan, controlFd)
  if (!asHostRoot) packOverlays(plan, luggage)
  const root = stack ?? openSync(mountPoint, O.path | O.directory | O.cloexec)
  step('become root of the container', () => {
    becomeRoot(rootIds(plan.maps), plan.user.keepGroups)
    // The change hid this process from the caller, whose slirp4netns looks up its namespaces. Nothing of the container runs yet.
    if (!inSight) setDumpable(true)
  })
  for (const { index, mount, overlay } of overlays) {
    step(`mount "${mount.target}"`, () =>
      luggage.mounts.set(index, createFromOpenOverlay(overlay, mount.attributes)),
    )
  }
  return typeof root === 'number' ? root : step('mount the root filesystem', () => mountOpenOverlay(root))
}

function openOverlays({ mounts }: LaunchPlan) {
  return mounts.flatMap((mount, index) => {
    const { source } = mount
    return source.kind === 'overlay' ? [{ index, mount, overlay: openOverlay(source, source.staging) }] : []
  })
}

/** Overlays have to wait for the id maps. */
function packOverlays(plan: LaunchPlan, { mounts }: Luggage): void {
  packMounts(plan, mounts, (mount) => mount.source.kind === 'overlay')
}

function packMounts(
  plan: LaunchPlan,
  packed: Map<number, DetachedMount>,
  which: (mount: MountStep) => boolean,
): void {
  plan.mounts.forEach((mount, index) => {
    if (!which(mount)) return
    step(`mount "${mount.target}"`, () => packed.set(index, createMount(mount)))
  })
}

function mountRootfs({ rootfs, mountPoint, maps }: LaunchPlan, controlFd: number): void {
  if (rootfs.kind !== 'fuse-overlayfs') {
    step('mount the root filesystem', () => mountRoot(rootfs, mountPoint))
    return
  }
  const fd = step('mount fuse-overlayfs', () => mountFuse(mountPoint, rootIds(maps)))
  sendMessage(controlFd, { kind: 'fuse' })
  sendFd(controlFd, fd)
  closeSync(fd)
  step('wait for fuse-overlayfs', () => expectParentMessage(controlFd, 'rootfs-ready'))
}

function furnishRoot(plan: LaunchPlan, rootFd: number, luggage: Luggage, identity: Identity): void {
  const { spec } = plan
  plan.mounts.forEach((mount, index) => {
    step(`mount "${mount.target}"`, () => {
      const detached = luggage.mounts.get(index) ?? createMount(mount)
      if (mount.copyUp) copyUpVolume(rootFd, mount.target, detached.fd, mount.ownAttributes)
      if (mount.chown) chownVolume(detached.fd, identity)
      // Kept, as another container that shares the root directory may move what the mount lies on.
      if (mount.target === '/proc' || mount.target === '/sys')
        luggage.kernelTrees.set(mount.target, dupAtLeast(detached.fd, FIRST_FREE_FD))
      attachMount(rootFd, mount, detached)
    })
    if (mount.target === '/dev') furnishDevices(rootFd, luggage)
  })
  step('place the secrets', () => placeSecrets(rootFd, plan.secrets))
  if (plan.bringUpLoopback) step('bring up the loopback device', bringLoopbackUp)
  if (spec.hostname !== undefined) setHostname(spec.hostname)
  if (spec.domainname !== undefined) setDomainName(spec.domainname)
}

function furnishDevices(rootFd: number, luggage: Luggage): void {
  step('add the devices', () => {
    attachDevices(rootFd, luggage.devices)
    createDeviceLinks(rootFd)
  })
}

/** What the user has mounted there stays in sight. */
function showIdentity(
  { mounts }: LaunchPlan,
  rootFd: number,
  files: IdentityFiles | undefined,
  { generated }: Identity,
): void {
  if (files && generated) {
    for (const name of ['passwd', 'group'] as const) {
      const target = `/etc/${name}`
      if (mounts.some((mount) => mount.target === target)) continue
      step(`mount "${target}"`, () => {
        fillGenerated(files[name], generated[name])
        attachMount(rootFd, { target, strictTarget: false }, files[name].mount)
      })
    }
  }
  closeGenerated(files)
}

/** What needs the kernel's files to be writable, and then their protection. */
function protectKernel(plan: LaunchPlan, rootFd: number, { kernelTrees }: Luggage): void {
  const { spec } = plan
  const { cwd } = spec.process
  if (!plan.requireWorkingDirectory)
    step('create the working directory', () => createWorkingDirectory(rootFd, cwd))
  step('set the kernel parameters', () => {
    writeSysctls(rootFd, spec.linux.sysctl)
    if (!plan.nestedUserNamespaces) writeSysctl(rootFd, 'user.max_user_namespaces', '0')
  })
  step('protect paths', () => {
    protectPaths({ rootFd, kernelTrees }, spec.linux.readonlyPaths)
    maskPaths({ rootFd, kernelTrees }, spec.linux.maskedPaths)
  })
}

function prepareProcess(
  plan: LaunchPlan,
  fds: { readonly rootFd: number; readonly controlFd: number; readonly stdio: StdioFds | undefined },
  identity: Identity,
): void {
  const { spec } = plan
  const { rootFd } = fds
  if (spec.process.terminal)
    step('set up the terminal', () => setUpTerminal(fds, identity, { window: plan.initialWindow }))
  else step('set up stdio', () => setUpStdio(stdioOf(plan, fds.stdio), rootFd, identity))
  if (spec.root.readonly) {
    step('make the root read-only', () =>
      mountSetattr({ path: '/', recursive: false, set: MOUNT_ATTR.rdonly }),
    )
  }
}

function stdioOf({ inheritStdin }: LaunchPlan, stdio: StdioFds | undefined): StdioFds {
  return stdio ?? { stdin: inheritStdin ? 0 : undefined, stdout: 1, stderr: 2 }
}
