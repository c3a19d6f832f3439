import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { type Command, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { CHECKPOINT_FLAGS, NO_CHECKPOINT, RESTORE_FLAGS } from '../options/checkpoint.ts'

const HINT = 'what a container wrote can be kept: bryo commit makes an image of it, bryo export an archive'

/** Says what is missing, of a container that there is. */
function refuse(verb: 'checkpoint' | 'restore'): Command {
  return defineCommand({
    usage: 'CONTAINER [CONTAINER...]',
    description:
      verb === 'checkpoint'
        ? 'Would keep the processes of a container for later. It says what is missing for that.'
        : 'Would bring the processes of a container back. It says what is missing for that.',
    flags: verb === 'checkpoint' ? CHECKPOINT_FLAGS : RESTORE_FLAGS,
    args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
    run: ({ args, context }) => {
      if (args.length === 0) throw new BryoError('USAGE', 'you must provide at least one name or id')
      const engine = engineOf(context)
      const [first] = args.map((name) => requireContainer(engine.store, name))
      throw new BryoError(
        'UNSUPPORTED',
        `cannot ${verb} container "${first?.name}": ${NO_CHECKPOINT}, expected root`,
        {
          hint: HINT,
        },
      )
    },
  })
}

export const command = refuse('checkpoint')
export const restore = refuse('restore')
