import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../engine/container/find.ts'
import { type Command, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

const MISSING =
  'freezing processes and bringing them back needs rights on the host that no user namespace gives'
const HINT = 'what a container wrote can be kept: bryo commit makes an image of it, bryo export an archive'

/** Flags of Podman's that only make sense with it. */
const absent = Object.fromEntries(
  ['a', 'all', 'e', 'export', 'i', 'import', 'k', 'keep', 'l', 'latest', 'R', 'leave-running'].map((flag) => [
    flag,
    MISSING,
  ]),
)

/** Says what is missing, of a container that there is. */
function refuse(verb: 'checkpoint' | 'restore'): Command {
  return defineCommand({
    usage: 'CONTAINER [CONTAINER...]',
    description:
      verb === 'checkpoint'
        ? 'Would keep the processes of a container for later. It says what is missing for that.'
        : 'Would bring the processes of a container back. It says what is missing for that.',
    flags: {},
    absent,
    args: { min: 1, completion: { kind: 'names', of: ['containers'] } },
    run: ({ args, context }) => {
      const engine = engineOf(context)
      const [first] = args.map((name) => requireContainer(engine, name))
      throw new BryoError(
        'UNSUPPORTED',
        `cannot ${verb} container "${first?.name}": ${MISSING}, expected root`,
        {
          hint: HINT,
        },
      )
    },
  })
}

export const command = refuse('checkpoint')
export const restore = refuse('restore')
