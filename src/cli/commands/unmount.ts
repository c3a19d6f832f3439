import { mountedContainers, requireUnshared, unmountContainer } from '../../engine/container/mountCommand.ts'
import { selectContainers } from '../../engine/container/select.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { UNMOUNT_FLAGS } from '../options/containerFiles.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Takes away what bryo mount has mounted, inside of bryo unshare.',
  examples: ['unmount web', 'unmount --all'],
  flags: UNMOUNT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    requireUnshared(engine, 'unmount')
    const { all, latest } = flags
    const names = all
      ? mountedContainers(engine).map(({ record }) => record.id)
      : selectContainers(engine, { names: args, all: false, latest }, 'any')
    return await forEachName(names, context, (name) => {
      unmountContainer(engine, name, flags.force)
      return name
    })
  },
})
