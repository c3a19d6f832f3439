import { readFileSync, writeFileSync } from 'node:fs'
import type { ContainerId } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { ImageConfig } from '../../base/image.ts'
import { runtimeDirectory } from '../../base/runtimeDirectory.ts'
import { endGroup, removeGroup } from '../../cgroup/group.ts'
import {
  type CgroupPlace,
  type Entrants,
  enterPlace,
  findPlace,
  joinSupervisor,
  placeDirectory,
} from '../../cgroup/place.ts'
import { type CgroupSetting, cgroupSettings } from '../../cgroup/settings.ts'
import type { Engine } from '../engine.ts'
import { endLeftGroup } from './leftGroup.ts'
import type { ContainerRequest } from './request.ts'
import { asksForGroup } from './resources.ts'
import { blockDevice } from './resourcesCheck.ts'
import { stopNumbers } from './stopSettings.ts'

/** What holds a container to its limits, while it is started. */
export interface PreparedResources {
  readonly warnings: readonly string[]
  /** Init waits: it gets its control group, and its rank among the victims of want of memory. @throws BryoError */
  enter(pid: number, monitor: number | undefined): void
  /** Helpers go where the monitor went. One that cannot stays where it was started, and serves all the same. */
  enterHelpers(pids: readonly number[]): void
  /** The directory of its control group; undefined where it has none of its own. */
  directory(): string | undefined
  /** After the container's end, or a start that failed. */
  remove(): void
}

export interface ResourceSubject {
  readonly id: ContainerId
  readonly request: ContainerRequest
  readonly image: ImageConfig | undefined
  /** A control group is to be made. */
  readonly grouped: boolean
  /** Processes that the container may have. */
  readonly processLimit: number | undefined
  /** A service has the monitor for its main process, which has to stay in its group. */
  readonly isService: boolean
}

/** @throws BryoError where a limit that was asked for has no place */
export function prepareResources(engine: Engine, subject: ResourceSubject): PreparedResources {
  const { request, grouped } = subject
  const place = grouped ? placeFor(engine, subject) : undefined
  const settings = grouped ? settingsOf(subject) : []
  const score = oomScore(request)
  const movesMonitor = !subject.isService && (request.cgroups ?? 'enabled') === 'enabled'
  let directory: string | undefined
  let monitorMoved = false
  return {
    warnings: score?.warning === undefined ? [] : [score.warning],
    enter: (pid, monitor) => {
      if (score) writeFileSync(`/proc/${pid}/oom_score_adj`, String(score.value))
      if (place) {
        endLeftGroup(engine, subject.id)
        directory = placeDirectory(place)
        // One that is there may be frozen, or have limits that have been lifted.
        if (directory !== undefined) endGroup(directory)
        const stop = stopNumbers(request, subject.image)
        const entrants = { init: pid, monitor: movesMonitor ? monitor : undefined, stop }
        directory = enterIfPossible(place, entrants, settings, asksForGroup(request))
        monitorMoved = place.kind === 'scope' && entrants.monitor !== undefined
      }
    },
    enterHelpers: (pids) => {
      if (directory !== undefined && monitorMoved)
        moveHelpers(directory, pids, runtimeDirectory(engine.facts))
    },
    directory: () => directory,
    remove: () => {
      if (directory !== undefined) endGroup(directory)
    },
  }
}

function settingsOf({ request, processLimit }: ResourceSubject): readonly CgroupSetting[] {
  const limits = {
    ...request.limits,
    ...(request.pidsLimit !== undefined && { pidsLimit: request.pidsLimit }),
    ...(processLimit !== undefined && { defaultPidsLimit: processLimit }),
  }
  return cgroupSettings(limits, blockDevice)
}

function placeFor(engine: Engine, { id, request }: ResourceSubject): CgroupPlace | undefined {
  try {
    return findPlace({
      id,
      mode: request.cgroups ?? 'enabled',
      parent: request.cgroupParent,
      runtimeDirectory: runtimeDirectory(engine.facts),
    })
  } catch (error) {
    if (asksForGroup(request) || !(error instanceof BryoError)) throw error
    return undefined
  }
}

/** A group that nobody asked for may be missing. */
function enterIfPossible(
  place: CgroupPlace,
  entrants: Entrants,
  settings: readonly CgroupSetting[],
  asked: boolean,
): string | undefined {
  try {
    return enterPlace(place, entrants, settings)
  } catch (error) {
    if (asked) throw error
    // Nothing but the move can have failed: nobody is in it.
    const made = placeDirectory(place)
    if (made !== undefined) removeGroup(made)
    return undefined
  }
}

function moveHelpers(directory: string, pids: readonly number[], runtime: string): void {
  try {
    joinSupervisor(directory, pids, runtime)
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
  }
}

/** Without privileges the kernel lets nobody go below what it has itself. */
function oomScore({ oomScoreAdj }: ContainerRequest) {
  if (oomScoreAdj === undefined) return undefined
  const least = Number(readFileSync('/proc/self/oom_score_adj', 'latin1'))
  if (oomScoreAdj >= least) return { value: oomScoreAdj, warning: undefined }
  return {
    value: least,
    warning: `--oom-score-adj ${oomScoreAdj} needs root: the container has ${least}, as this process`,
  }
}
