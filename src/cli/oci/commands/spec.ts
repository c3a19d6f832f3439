import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BryoError, isErrno } from '../../../base/errors.ts'
import { defaultConfig } from '../../../engine/oci/defaultConfig.ts'
import { textOr, toggle } from '../../flags/kinds.ts'
import { defineOciCommand } from '../command.ts'
import { SPEC_VERSION } from '../specVersion.ts'

export const specCommand = defineOciCommand({
  name: 'spec',
  usage: '[options]',
  summary: 'Write a config.json to begin with',
  flags: {
    bundle: textOr('.', { short: 'b', help: 'Directory of the bundle', completion: { kind: 'directories' } }),
    rootless: toggle({ help: 'With a user namespace whose root is the caller' }),
  },
  args: { min: 0, max: 0 },
  run: ({ flags, caller: { facts } }) => {
    const path = join(resolve(facts.cwd, flags.bundle), 'config.json')
    const config = defaultConfig({ ociVersion: SPEC_VERSION, rootless: flags.rootless ? facts : undefined })
    try {
      writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { flag: 'wx' })
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      throw new BryoError('USAGE', `cannot write "${path}": the file exists, expected none`, { cause: error })
    }
    return 0
  },
})
