import { type Engine, openEngine } from '../engine/engine.ts'
import type { CommandContext } from './command.ts'

/** The engine on the store that the global flags name. */
export function engineOf({ facts, global }: CommandContext): Engine {
  const { root, runroot, storageDriver, additionalStores, sharedStore } = global
  return openEngine(facts, { root, runroot, storageDriver, additionalStores, sharedStore })
}
