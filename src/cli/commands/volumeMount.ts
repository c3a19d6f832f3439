import { requireUnshared } from '../../engine/container/mountCommand.ts'
import { mountVolume, unmountVolume } from '../../engine/volume/mount.ts'
import { type Command, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'

export const command = mountCommand(
  'mount',
  'Prints the directory with the content of volumes, inside of bryo unshare, where it has the owners that containers see.',
)
export const unmount = mountCommand(
  'unmount',
  'Undoes bryo volume mount. As nothing had to be mounted, nothing goes away.',
)

function mountCommand(verb: 'mount' | 'unmount', description: string): Command {
  return defineCommand({
    usage: 'VOLUME [VOLUME...]',
    description,
    examples: [`unshare sh -c 'bryo volume ${verb} data'`],
    flags: {},
    args: { min: 1, completion: { kind: 'names', of: ['volumes'] } },
    run: async ({ args, context }) => {
      const engine = engineOf(context)
      requireUnshared(engine, `volume ${verb}`)
      const act = verb === 'mount' ? mountVolume : unmountVolume
      return await forEachName(args, context, (name) => act(engine, name))
    },
  })
}

export const reload = defineCommand({
  usage: '',
  description:
    'Would ask volume drivers for their volumes. There is but the driver local, whose volumes are known.',
  examples: ['volume reload'],
  flags: {},
  args: { min: 0, max: 0 },
  run: () => 0,
})
