import { BryoError } from '../../base/errors.ts'
import { freezeGroup } from '../../cgroup/group.ts'
import { findContainer, type OciRecord, statusOf } from './container.ts'
import type { OciCaller } from './create.ts'

/**
 * `pause` and `resume`: the freezer of its control group holds all processes of a container.
 * @throws BryoError NOT_FOUND, INVALID_STATE, UNSUPPORTED where it has no control group
 */
export function freezeById({ stateRoot }: OciCaller, id: string, verb: 'pause' | 'resume'): void {
  const record = findContainer(stateRoot, id)
  const status = statusOf(record)
  const expected = verb === 'pause' ? 'running' : 'paused'
  if (status !== expected) {
    throw new BryoError(
      'INVALID_STATE',
      `cannot ${verb} container "${id}": it is ${status}, expected ${expected}`,
    )
  }
  const directory = requireGroup(record, verb)
  if (freezeGroup(directory, verb === 'pause')) return
  if (verb === 'pause') freezeGroup(directory, false)
  throw new BryoError('RUNTIME', `cannot ${verb} container "${id}": its processes do not follow`)
}

/** The directory of its control group. @throws BryoError UNSUPPORTED */
export function requireGroup({ id, cgroup }: OciRecord, verb: string): string {
  if (cgroup !== undefined) return cgroup
  throw new BryoError('UNSUPPORTED', `cannot ${verb} container "${id}": it has no control group of its own`, {
    hint: 'that needs cgroup v2, and a group that is delegated to you or --systemd-cgroup at its creation',
  })
}
