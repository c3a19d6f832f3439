import { readFileSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { removableContainers, removeByName } from '../../engine/container/remove.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { RM_FLAGS } from '../options/containers.ts'
import { printLine } from '../output.ts'
import { printError } from '../report.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Removes containers with what they wrote. A running one has to be ended first, or with --force.',
  examples: ['rm web', 'rm -f web db', 'rm --all'],
  flags: RM_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const named = [...args, ...flags.cidfile.map((path) => readFileSync(path, 'utf8').trim())]
    if (flags.all && named.length > 0)
      throw new BryoError('USAGE', '--all and containers cannot be used together')
    if (!flags.all && named.length === 0)
      throw new BryoError('USAGE', 'you must provide at least one name or id')
    const names = flags.all ? removableContainers(engine).map((record) => record.id) : named
    let exitCode = 0
    for (const name of names) {
      try {
        const removed = removeByName(engine, name, {
          force: flags.force,
          volumes: flags.volumes,
          ignore: flags.ignore,
        })
        if (removed !== undefined) printLine(removed)
      } catch (error) {
        if (!(error instanceof BryoError)) throw error
        await printError(error, context.facts.env, context.facts.debug)
        // As Podman: 1 for a container that is not there, 2 for one that runs.
        exitCode = Math.max(
          exitCode,
          error.code === 'NOT_FOUND' ? 1 : error.code === 'INVALID_STATE' ? 2 : 125,
        )
      }
    }
    return exitCode
  },
})
