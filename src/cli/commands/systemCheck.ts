import { BryoError } from '../../base/errors.ts'
import { type CheckedFinding, checkStore } from '../../engine/system/check/check.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { SYSTEM_CHECK_FLAGS } from '../options/system.ts'
import { printLine } from '../output.ts'

const DAY_MS = 86_400_000

export const command = defineCommand({
  usage: '[options]',
  description:
    'Looks for what is damaged or left over in the store, and tells by the exit code; with --repair it is mended.',
  examples: ['system check', 'system check --quick', 'system check --repair'],
  flags: SYSTEM_CHECK_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const { quick, repair, force, max = DAY_MS } = flags
    if (force && !repair) throw new BryoError('USAGE', 'cannot use --force without --repair')
    const unusedBefore = Date.now() - max
    const checked = await checkStore(engineOf(context), { quick, repair, force, unusedBefore })
    for (const line of checked.map(lineOf)) printLine(line)
    return checked.every(({ state }) => state === 'mended') ? 0 : 1
  },
})

function lineOf({ finding: { subject, problem, remedy }, state, reason }: CheckedFinding): string {
  const found = `${subject}: ${problem}`
  if (state === 'found') return found
  return state === 'mended' ? `${found}: ${remedy ?? 'mended'}` : `${found}: not mended, ${reason}`
}
