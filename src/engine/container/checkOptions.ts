import { statSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import type { ImageConfig } from '../../base/image.ts'
import { planCapabilities } from '../../runtime/capabilities.ts'
import type { SecuritySettings } from '../../runtime/security.ts'
import type { Engine } from '../engine.ts'
import { requireAppArmor } from './confinement.ts'
import { buildCommand } from './environment.ts'
import { requestedJoins } from './joins.ts'
import type { ContainerRequest } from './request.ts'
import { checkSecrets } from './secrets.ts'

const HOSTNAME = /^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9_])?$/

/**
 * Finds what a start would refuse, before there is a container: so that a mistake leaves none behind.
 * @throws BryoError USAGE, NOT_FOUND
 */
export function checkOptions(
  engine: Engine,
  request: ContainerRequest,
  image: ImageConfig | undefined,
  { seccomp, apparmor, procOptions }: SecuritySettings,
): void {
  const { capAdd, capDrop, privileged, rootfs, devices } = request
  planCapabilities({ add: capAdd, drop: capDrop, privileged, isRoot: true })
  storageDriver(engine)
  if (buildCommand(request, image).length === 0) {
    throw new BryoError('USAGE', 'no command or entrypoint provided, and no CMD or ENTRYPOINT from image')
  }
  if (apparmor !== undefined && apparmor !== 'unconfined') requireAppArmor(apparmor)
  if (request.hostname !== undefined && !HOSTNAME.test(request.hostname)) {
    throw new BryoError(
      'USAGE',
      `invalid hostname "${request.hostname}": expected at most 64 letters, digits, dots and dashes`,
    )
  }
  checkNamespaces(request)
  if (request.pid === 'host' && procOptions.length > 0) {
    throw new BryoError('USAGE', "cannot use proc-opts with --pid host: /proc is the host's")
  }
  checkSecrets(engine, request)
  if (request.hostsFile !== undefined) requireExisting(request.hostsFile, 'for /etc/hosts', 'a file')
  if (rootfs) requireExisting(rootfs.path, 'as root', 'a directory')
  if (seccomp.kind === 'file') requireExisting(seccomp.path, 'as seccomp profile', 'a JSON file')
  for (const device of devices) requireExisting(device.hostPath, 'as device', 'a device of this host')
}

/** What needs a namespace of the container's own. */
function checkNamespaces(request: ContainerRequest): void {
  const { hostname, uts, init, pid, oomScoreAdj } = request
  if (hostname !== undefined && uts !== 'private') {
    throw new BryoError('USAGE', `cannot set hostname when running in the ${uts} UTS namespace`)
  }
  if (pid === undefined) return
  if (init) {
    throw new BryoError('USAGE', "cannot add init binary as PID 1 (PID namespace isn't private)", {
      hint: `leave out --init, or --pid ${pid}`,
    })
  }
  // Its first process hides from those whose user namespace it shares, and so from this one.
  const [joined] = requestedJoins(request)
  if (joined && oomScoreAdj !== undefined)
    throw new BryoError('UNSUPPORTED', `cannot use --oom-score-adj with ${joined.option}`)
}

/** What else is wrong with it, its reader says. */
function requireExisting(path: string, use: string, expected: string): void {
  let found: unknown
  try {
    found = statSync(path, { throwIfNoEntry: false })
  } catch {
    // No permission to look: the reader says it better.
    return
  }
  if (found === undefined) {
    throw new BryoError('NOT_FOUND', `cannot use "${path}" ${use}: it does not exist, expected ${expected}`)
  }
}

/** `--storage-driver`. @throws BryoError USAGE */
export function storageDriver({ options }: Engine): 'auto' | 'overlay' | 'fuse-overlayfs' {
  const name = options.storageDriver ?? 'auto'
  if (name === 'auto' || name === 'overlay' || name === 'fuse-overlayfs') return name
  throw new BryoError('USAGE', `unknown storage driver "${name}", expected auto, overlay or fuse-overlayfs`)
}
