import { readFileSync, writeFileSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { removeGroup } from '../../cgroup/group.ts'
import { type CgroupPlace, enterPlace, findPlace } from '../../cgroup/place.ts'
import { type CgroupSetting, cgroupSettings } from '../../cgroup/settings.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { asksForGroup, runtimeDirectory } from './resources.ts'
import { blockDevice } from './resourcesCheck.ts'

/** What holds a container to its limits, while it is started. */
export interface PreparedResources {
  readonly warnings: readonly string[]
  /** Init waits: it gets its control group, and its rank among the victims of want of memory. @throws BryoError */
  enter(pid: number): void
  /** The directory of its control group; undefined where it has none of its own. */
  directory(): string | undefined
  /** After the container's end. */
  remove(): void
}

export interface ResourceSubject {
  readonly id: string
  readonly request: ContainerRequest
  /** A control group is to be made. */
  readonly grouped: boolean
  /** Processes that the container may have. */
  readonly processLimit: number | undefined
}

/** @throws BryoError where a limit that was asked for has no place */
export function prepareResources(engine: Engine, subject: ResourceSubject): PreparedResources {
  const { request, grouped } = subject
  const place = grouped ? placeFor(engine, subject) : undefined
  const settings = grouped ? settingsOf(subject) : []
  const score = oomScore(request)
  let directory: string | undefined
  return {
    warnings: score?.warning === undefined ? [] : [score.warning],
    enter: (pid) => {
      if (score) writeFileSync(`/proc/${pid}/oom_score_adj`, String(score.value))
      if (place) directory = enterIfPossible(place, pid, settings, asksForGroup(request))
    },
    directory: () => directory,
    remove: () => {
      if (directory !== undefined) removeGroup(directory)
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
      runtimeDirectory: runtimeDirectory(engine),
    })
  } catch (error) {
    if (asksForGroup(request) || !(error instanceof BryoError)) throw error
    return undefined
  }
}

/** A group that nobody asked for may be missing. */
function enterIfPossible(
  place: CgroupPlace,
  pid: number,
  settings: readonly CgroupSetting[],
  asked: boolean,
): string | undefined {
  try {
    return enterPlace(place, pid, settings)
  } catch (error) {
    if (asked) throw error
    return undefined
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
