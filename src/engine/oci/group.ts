import { BryoError } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { runtimeDirectory } from '../../base/runtimeDirectory.ts'
import { removeGroup } from '../../cgroup/group.ts'
import { isUnified } from '../../cgroup/hierarchy.ts'
import {
  type CgroupManager,
  enterOciPlace,
  findOciPlace,
  type OciPlace,
  ociPlaceDirectory,
} from '../../cgroup/ociPlace.ts'
import { ociSettings } from '../../cgroup/ociSettings.ts'
import type { CgroupSetting } from '../../cgroup/settings.ts'
import type { OciLinux } from '../../runtime/oci/config/types.ts'

/** The control group that a container is to have. */
export interface PlannedGroup {
  /** Where it will be, as far as that is known: what a killed creation may leave. */
  readonly directory: string | undefined
  /** Makes it around a process. @returns its directory; undefined where the container goes without */
  enter(pid: number): string | undefined
}

export interface GroupRequest {
  readonly id: string
  readonly facts: HostFacts
  /** Undefined for none. */
  readonly manager: CgroupManager | undefined
  readonly linux: OciLinux
  readonly onWarning: (text: string) => void
}

const NONE: PlannedGroup = { directory: undefined, enter: () => undefined }

/**
 * Plans the group of a container. Engines limit processes without being asked to, so such a limit is left out where it cannot be had.
 * @throws BryoError where another limit cannot be had on a host that has control groups of version 2
 */
export function planGroup({ id, facts, manager, linux, onWarning }: GroupRequest): PlannedGroup {
  const settings = ociSettings(linux.resources)
  const required = settings.filter(({ controller }) => controller !== 'pids')
  const leaveOut = (reason: string) => {
    if (settings.length > 0) onWarning(`the limits of container "${id}" are left out: ${reason}`)
  }
  if (manager === undefined || !isUnified()) {
    if (required.length > 0)
      leaveOut(manager ? 'this host has control groups of version 1 or both' : 'control groups are disabled')
    return NONE
  }
  const unlessRequired = <T>(act: () => T): T | undefined => {
    try {
      return act()
    } catch (error) {
      if (required.length > 0 || !(error instanceof BryoError) || isMistake(error)) throw error
      leaveOut(error.message)
      return undefined
    }
  }
  const request = { id, manager, path: linux.cgroupsPath, runtimeDirectory: runtimeDirectory(facts) }
  const place = unlessRequired(() => findOciPlace(request))
  if (!place) return NONE
  const directory = ociPlaceDirectory(place)
  return {
    directory,
    enter: (pid) => {
      const entered = unlessRequired(() => enter(place, pid, settings))
      // Nothing but the move can have failed: nobody is in it.
      if (entered === undefined && directory !== undefined) removeGroup(directory)
      return entered
    },
  }
}

/** What is wrong with the configuration, and not with the host. */
function isMistake({ code }: BryoError): boolean {
  return code === 'USAGE' || code === 'INVALID_STATE'
}

function enter(place: OciPlace, pid: number, settings: readonly CgroupSetting[]): string {
  const lenient = settings.map((setting) =>
    setting.controller === 'pids' ? { ...setting, option: undefined } : setting,
  )
  return enterOciPlace(place, pid, lenient)
}
