import { BryoError, messageOf } from '../../../base/errors.ts'
import { recoverStore } from '../../../storage/recover.ts'
import type { Engine } from '../../engine.ts'
import { settleStates } from '../settle.ts'
import { checkContainers } from './containers.ts'
import type { CheckScope, Finding } from './finding.ts'
import { checkImages, checkUnused } from './images.ts'
import { checkLeftovers } from './leftovers.ts'
import { checkVolumes } from './volumes.ts'

export interface CheckRequest extends CheckScope {
  readonly repair: boolean
  /** With `repair`: also what loses something that cannot be fetched again. */
  readonly force: boolean
}

export interface CheckedFinding {
  readonly finding: Finding
  readonly state: 'found' | 'mended' | 'failed'
  /** Why it could not be mended. */
  readonly reason?: string
}

/**
 * Looks for what is damaged or left over in the store, after what every command clears up by itself. With `repair`, mends it in
 * an order in which one thing's end makes others unused.
 */
export async function checkStore(engine: Engine, request: CheckRequest): Promise<readonly CheckedFinding[]> {
  const { failed } = recoverStore(engine.store, engine.runInUserns)
  settleStates(engine)
  const steps: readonly (() => readonly Finding[])[] = [
    () => failed.map(({ name, error }) => ({ subject: `pending/${name}`, problem: messageOf(error) })),
    () => checkVolumes(engine),
    () => checkImages(engine, request),
    () => checkContainers(engine),
    () => checkLeftovers(engine),
    () => checkUnused(engine, request),
  ]
  const checked: CheckedFinding[] = []
  for (const step of steps) {
    for (const finding of step()) {
      checked.push(request.repair ? await mend(finding, request.force) : { finding, state: 'found' })
    }
  }
  return checked
}

async function mend(finding: Finding, force: boolean): Promise<CheckedFinding> {
  if (!finding.mend) return { finding, state: 'failed', reason: 'nothing can be done about it' }
  if (finding.loses && !force) {
    return { finding, state: 'failed', reason: `with --force it would be ${finding.remedy ?? 'removed'}` }
  }
  try {
    await finding.mend()
    return { finding, state: 'mended' }
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
    return { finding, state: 'failed', reason: error.message }
  }
}
