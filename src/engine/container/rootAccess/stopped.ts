import { closeSync } from 'node:fs'
import { type IdMaps, rootIds } from '../../../base/idmap.ts'
import type { FuseOverlayPlan } from '../../../base/rootfs.ts'
import { startFuseOverlay } from '../../../runtime/fuse.ts'
import { type MountStep, planMounts } from '../../../runtime/mountPlan.ts'
import { type ContainerRecord, containerDirectory } from '../../../storage/container/record.ts'
import { messageSocketPair, ownFd, receiveFd, writeFd } from '../../../syscall/fd.ts'
import { waitForExit } from '../../../syscall/process.ts'
import { startInUserNamespace } from '../../../userns/enter.ts'
import { writeIdMaps } from '../../../userns/write.ts'
import type { Engine } from '../../engine.ts'
import { planContainerIds } from '../ids.ts'
import { overlayMounts } from '../overlays.ts'
import { prepareRootfs, type RootfsPlace } from '../rootfs.ts'
import { mountStoppedRoot, openStoppedRoot, type StoppedRoot } from '../stage/stoppedRoot.ts'
import { type StoredConfig, storedConfig } from '../stored.ts'
import { mountVolumes, plainMounts, type VolumeMounts } from '../volumes.ts'
import { type RootTask, type StartedTask, startTask } from './task.ts'

/** Mounts the root of a container that does not run, with its volumes, in a mount namespace of the child's own. */
export function startInStopped<T>(
  engine: Engine,
  record: ContainerRecord,
  task: RootTask<T>,
): StartedTask<T> {
  const config = storedConfig(record)
  const { maps } = planContainerIds(engine, config.request)
  const directory = containerDirectory(engine.store, record.id)
  const place = prepareRootfs(engine, { record, directory, config }, { maps, inheritStdin: false })
  const stack = new DisposableStack()
  const volumes = stack.use(mountVolumes(engine, config.volumes))
  try {
    const mounts = planVolumeMounts(engine, record, config, volumes)
    const { started, fusePid } = forkIntoRoot(engine, task, { place, mounts, maps })
    const owned = stack.move()
    return {
      ...started,
      finish: () => {
        const result = started.finish()
        volumes.finish()
        place.finish()
        return result
      },
      [Symbol.dispose]: () => {
        started[Symbol.dispose]()
        owned.dispose()
        // It ends with the mount, which has gone with the child.
        if (fusePid !== undefined) waitForExit(fusePid)
      },
    }
  } catch (error) {
    stack.dispose()
    throw error
  }
}

/** Without those that begin empty with each start. */
function planVolumeMounts(
  engine: Engine,
  record: ContainerRecord,
  config: StoredConfig,
  volumes: VolumeMounts,
): readonly MountStep[] {
  const directory = containerDirectory(engine.store, record.id)
  const mounts = [
    ...plainMounts(config.request).filter(({ type }) => type === 'bind'),
    ...overlayMounts(engine, config, directory),
    ...volumes.mounts,
  ]
  return planMounts({ mounts: mounts.sort((a, b) => depth(a.destination) - depth(b.destination)) })
}

function depth(path: string): number {
  return path.split('/').filter((part) => part !== '').length
}

interface RootFork {
  readonly place: RootfsPlace
  readonly mounts: readonly MountStep[]
  readonly maps: IdMaps
}

function forkIntoRoot<T>(engine: Engine, task: RootTask<T>, { place, mounts, maps }: RootFork) {
  const [ours, theirs] = messageSocketPair()
  using fuseSocket = ownFd(ours)
  using childSocket = ownFd(theirs)
  const opened: { root?: StoppedRoot; failure?: unknown } = {}
  const { what, keepFds, work } = task
  const started = startTask(
    {
      what,
      keepFds: [...keepFds, childSocket.fd],
      work: () => work(mountStoppedRoot(opened, rootIds(maps), childSocket.fd)),
    },
    (child) =>
      startInUserNamespace({
        ...child,
        maps,
        identity: engine.identity(),
        searchPath: engine.facts.env.PATH,
        namespaces: ['mount'],
        prepare: () => openStoppedRoot(opened, place, mounts),
      }),
  )
  childSocket.close()
  if (place.rootfs.kind !== 'fuse-overlayfs') return { started, fusePid: undefined }
  try {
    return { started, fusePid: serveFuse(engine, place.rootfs, { maps, place, socket: fuseSocket.fd }) }
  } catch (error) {
    fuseSocket.close()
    started[Symbol.dispose]()
    throw error
  }
}

interface FuseSide {
  readonly maps: IdMaps
  readonly place: RootfsPlace
  readonly socket: number
}

/** undefined where the child has failed before: its report says why. */
function serveFuse(
  engine: Engine,
  plan: FuseOverlayPlan,
  { maps, place, socket }: FuseSide,
): number | undefined {
  const fuseFd = receiveFd(socket)
  if (fuseFd < 0) return undefined
  try {
    using user = ownFd(receiveFd(socket))
    const context = { fuseFd, userFd: user.fd, maps, asHostRoot: place.asHostRoot }
    return startFuseOverlay(plan, context, (pid, serverMaps) =>
      writeIdMaps(pid, serverMaps, { identity: engine.identity(), searchPath: engine.facts.env.PATH }),
    )
  } finally {
    closeSync(fuseFd)
    writeFd(socket, Buffer.of(1))
  }
}
