import { appendEvent } from '../../storage/events.ts'
import { recoverStore } from '../../storage/recover.ts'
import type { Engine } from '../engine.ts'
import { settleStates } from './settle.ts'

/**
 * Clears up after killed processes and reboots.
 * @param asked the command that somebody has called for that
 * @returns what was done, a clause each
 */
export function healStore(engine: Engine, asked?: 'migrate' | 'renumber'): readonly string[] {
  const { undone } = recoverStore(engine.store, engine.runInUserns)
  if (asked) appendEvent(engine.store, { type: 'system', action: asked, id: '', name: '' })
  return [
    ...undone.map((name) => `undid ${name}`),
    ...settleStates(engine).map((name) => `noted the end of container ${name}`),
  ]
}
