import { removeAfterEnd, restartAfterEnd } from '../engine/container/monitor/resume.ts'
import type { CommandContext } from './command.ts'
import { engineOf } from './engine.ts'

/** What a monitor executes in its place when its container has ended: `__remove ID FD`, `__restart ID COUNT BACK-OFF-MS`. */
export async function resumeMonitor(
  step: '__remove' | '__restart',
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const engine = engineOf(context)
  const [id = '', first, second] = args
  if (step === '__remove') await removeAfterEnd(engine, id, Number(first))
  else await restartAfterEnd(engine, id, { restartCount: Number(first), backOffMs: Number(second) })
  return 0
}
