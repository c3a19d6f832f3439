import { recoverStore } from '../../storage/recover.ts'
import type { Engine } from '../engine.ts'
import { settleStates } from './settle.ts'

/** Clears up after killed processes and reboots. @returns what was done, a clause each */
export function healStore(engine: Engine): readonly string[] {
  const { undone } = recoverStore(engine.store, engine.runInUserns)
  return [
    ...undone.map((name) => `undid ${name}`),
    ...settleStates(engine).map((name) => `noted the end of container ${name}`),
  ]
}
