import { findSecret } from '../../storage/secret/secrets.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'SECRET',
  description:
    'Ends with 0 where there is a secret of this name or id, and with 1 where there is none; prints nothing.',
  examples: ['secret exists token'],
  flags: {},
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['secrets'] } },
  run: ({ args: [name = ''], context }) => (findSecret(engineOf(context).store, name) ? 0 : 1),
})
