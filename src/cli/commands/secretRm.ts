import { BryoError } from '../../base/errors.ts'
import { removeSecretByName } from '../../engine/secret/secrets.ts'
import { readSecretInfos } from '../../storage/secret/secrets.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { SECRET_RM_FLAGS } from '../options/secrets.ts'

export const command = defineCommand({
  usage: '[options] SECRET [SECRET...]',
  description: 'Removes secrets and prints their ids. Containers that run keep what they have.',
  examples: ['secret rm token', 'secret rm --all'],
  flags: SECRET_RM_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['secrets'] } },
  run: async ({ flags, args, context }) => {
    if (flags.all && args.length > 0)
      throw new BryoError('USAGE', 'cannot use --all with the name of a secret')
    if (!flags.all && args.length === 0) {
      throw new BryoError(
        'USAGE',
        `\`${context.program} secret rm\` requires one argument, or the --all flag`,
      )
    }
    const engine = engineOf(context)
    const names = flags.all ? readSecretInfos(engine.store).map(({ name }) => name) : args
    return await forEachName(names, context, (name) => {
      try {
        return removeSecretByName(engine, name)
      } catch (error) {
        if (!(flags.ignore && error instanceof BryoError && error.code === 'NOT_FOUND')) throw error
        return undefined
      }
    })
  },
})
