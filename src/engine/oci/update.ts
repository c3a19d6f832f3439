import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { BryoError } from '../../base/errors.ts'
import type { OciResources } from '../../base/ociResources.ts'
import { applySettings } from '../../cgroup/group.ts'
import { completeResources, ociSettings } from '../../cgroup/ociSettings.ts'
import { parseResources } from '../../runtime/oci/config/resources.ts'
import { findContainer, statusOf } from './container.ts'
import { type OciCaller, readConfig } from './create.ts'
import { requireGroup } from './freeze.ts'

export interface UpdateOptions {
  /** A file with `linux.resources`, `-` for standard input; the rest then does not count. */
  readonly file: string | undefined
  /** What the options say, as JSON of the same form. */
  readonly resources: object
}

const STDIN = 0

/**
 * Holds a container to other limits, at once.
 * @throws BryoError NOT_FOUND, INVALID_STATE, UNSUPPORTED, USAGE
 */
export function updateById({ facts, stateRoot }: OciCaller, id: string, options: UpdateOptions): void {
  const record = findContainer(stateRoot, id)
  const status = statusOf(record)
  if (status === 'stopped' || status === 'creating') {
    throw new BryoError('INVALID_STATE', `cannot update container "${id}": it is ${status}, expected running`)
  }
  const resources = readUpdate(facts.cwd, options)
  const directory = requireGroup(record, 'update')
  applySettings(directory, ociSettings(completeResources(directory, resources)))
}

function readUpdate(cwd: string, { file, resources }: UpdateOptions): OciResources {
  if (file === undefined) return parseResources(JSON.stringify(resources), 'the options')
  if (file === '-') return parseResources(readFileSync(STDIN, 'utf8'), 'standard input')
  const path = resolve(cwd, file)
  return parseResources(readConfig(path), path)
}
