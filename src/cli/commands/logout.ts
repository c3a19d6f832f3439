import { BryoError } from '../../base/errors.ts'
import { logout, logoutAll, parseLoginPlace } from '../../engine/image/login.ts'
import { defineCommand } from '../command.ts'
import { LOGOUT_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: '[options] [REGISTRY]',
  description: 'Forgets the login for a registry. Without REGISTRY it is docker.io.',
  examples: ['logout registry.example.org', 'logout --all'],
  flags: LOGOUT_FLAGS,
  args: { min: 0, max: 1 },
  run: async ({ flags, args: [registry], context: { facts } }) => {
    if (flags.all) {
      if (registry !== undefined) throw new BryoError('USAGE', 'cannot use --all with a registry')
      await logoutAll({ facts }, flags.authfile)
      printLine('Removed login credentials for all registries')
      return 0
    }
    const place = parseLoginPlace(registry ?? 'docker.io')
    if (!(await logout({ facts }, place, flags.authfile))) {
      throw new BryoError('AUTH_REQUIRED', `not logged into ${place.key}`)
    }
    printLine(`Removed login credentials for ${place.key}`)
    return 0
  },
})
