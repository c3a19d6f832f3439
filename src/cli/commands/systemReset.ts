import { resetStore } from '../../engine/system/reset.ts'
import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { SYSTEM_RESET_FLAGS } from '../options/system.ts'

const WARNING = `This will remove:
        - all containers
        - all images
        - all volumes with their content
        - all secrets`

export const command = defineCommand({
  usage: '[options]',
  description: 'Kills all containers and removes everything that is in the store, damaged or not.',
  examples: ['system reset', 'system reset --force'],
  flags: SYSTEM_RESET_FLAGS,
  args: { min: 0, max: 0 },
  run: ({ flags, context: { facts, global } }) => {
    if (!flags.force && !confirm(WARNING)) return 0
    const { root, runroot, storageDriver } = global
    resetStore(facts, { root, runroot, storageDriver })
    return 0
  },
})
