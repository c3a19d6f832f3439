import { accessSync, constants } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { findProgram } from '../../base/findProgram.ts'
import type { RunInUserns } from '../runInUserns.ts'
import type { Store } from '../store.ts'
import type { StorageDriver } from './plan.ts'
import { probeOverlay } from './probe.ts'

export interface DriverRequest {
  readonly store: Store
  readonly requested: 'auto' | StorageDriver
  readonly runInUserns: RunInUserns
  /** $PATH, to find fuse-overlayfs. */
  readonly searchPath: string
}

/**
 * The driver to use: for `auto` the kernel's overlay where it passes the probe, else fuse-overlayfs.
 * @throws BryoError UNSUPPORTED, TOOL_MISSING or DEVICE_MISSING that names what stands against each
 */
export function chooseDriver({ store, requested, runInUserns, searchPath }: DriverRequest): StorageDriver {
  if (requested === 'fuse-overlayfs') {
    requireFuseOverlay(searchPath)
    return requested
  }
  const probe = probeOverlay(store, runInUserns)
  if (probe.works) return 'overlay'
  const overlay = `the kernel's overlay does not work here (${probe.problem})`
  if (requested === 'overlay') {
    throw new BryoError('UNSUPPORTED', `cannot use the overlay driver: ${overlay}`, {
      hint: 'use --storage-driver fuse-overlayfs',
    })
  }
  const fuse = findFuseOverlay(searchPath)
  if (fuse.found) return 'fuse-overlayfs'
  throw new BryoError(fuse.code, `cannot choose a storage driver: ${overlay}, and ${fuse.problem}`, {
    hint: fuse.hint,
  })
}

/** The program, with a device that it can use. @throws BryoError TOOL_MISSING, DEVICE_MISSING */
export function requireFuseOverlay(searchPath: string): HostPath {
  const fuse = findFuseOverlay(searchPath)
  if (fuse.found) return fuse.program
  throw new BryoError(fuse.code, `cannot use fuse-overlayfs: ${fuse.problem}`, { hint: fuse.hint })
}

export type FuseSupport =
  | { readonly found: true; readonly program: HostPath }
  | {
      readonly found: false
      readonly code: 'TOOL_MISSING' | 'DEVICE_MISSING'
      readonly problem: string
      readonly hint: string
    }

const PROGRAM = 'fuse-overlayfs'
const DEVICE = '/dev/fuse'

export function findFuseOverlay(searchPath: string): FuseSupport {
  const program = findProgram(PROGRAM, `/usr/local/bin:${searchPath}`)
  if (program === undefined) {
    const problem = `${PROGRAM} is not installed`
    return { found: false, code: 'TOOL_MISSING', problem, hint: `install the package ${PROGRAM}` }
  }
  const device = deviceProblem()
  if (device === undefined) return { found: true, program }
  const hint = `as root: modprobe fuse; chmod 0666 ${DEVICE}`
  return { found: false, code: 'DEVICE_MISSING', problem: device, hint }
}

function deviceProblem(): string | undefined {
  try {
    accessSync(DEVICE, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV', 'ENXIO')) return `${DEVICE} does not exist`
    if (isErrno(error, 'EACCES', 'EPERM')) return `${DEVICE} may not be opened by this user`
    throw error
  }
}
