import { BryoError, messageOf } from '../../base/errors.ts'
import { latestContainer } from '../../engine/container/latest.ts'
import { waitForCondition, waitForFirst } from '../../engine/container/monitor/condition.ts'
import { waitForContainer } from '../../engine/container/monitor/wait.ts'
import { findContainer } from '../../storage/container/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { WAIT_FLAGS } from '../options/life.ts'
import { printLine } from '../output.ts'
import { parseDuration } from '../parse/duration.ts'

const INTERVAL_MS = 250

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Waits until containers have ended and prints their exit codes, or until they are in another state.',
  examples: ['wait web', 'wait --condition healthy web'],
  flags: WAIT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const names = flags.latest ? [latestContainer(engine).id] : args
    if (names.length === 0) throw new BryoError('USAGE', 'you must provide at least one name or id')
    const interval = flags.interval ?? `${INTERVAL_MS}ms`
    // Podman takes a bare number for milliseconds.
    const intervalMs = /^\d+$/.test(interval) ? Number(interval) : intervalOf(interval)
    if (flags.exitFirstMatch) {
      const known = flags.ignore ? names.filter((name) => findContainer(engine.store, name)) : names
      if (known.length === 0) return 0
      const conditions = flags.condition.length === 0 ? ['stopped'] : flags.condition
      printLine(String(waitForFirst(engine, known, { conditions, intervalMs })))
      return 0
    }
    return await forEachName(names, context, (name) => {
      if (flags.ignore && !findContainer(engine.store, name)) return '-1'
      const code =
        flags.condition.length === 0
          ? waitForContainer(engine, name)
          : waitForCondition(engine, name, { conditions: flags.condition, intervalMs })
      return String(code)
    })
  },
})

function intervalOf(text: string): number {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new BryoError('USAGE', `invalid --interval "${text}": ${messageOf(cause)}`, { cause })
  }
}
