import { addSilentForks } from '../storage/silentForks.ts'
import type { CommandContext } from './command.ts'
import { engineOf } from './engine.ts'

/** For `info`, which shows how often it happens on this host. */
export function noteSilentForks(context: CommandContext, count: number): void {
  addSilentForks(engineOf(context).store, count)
}
