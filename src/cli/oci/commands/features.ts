import { VERSION } from '../../../base/version.ts'
import { describeFeatures } from '../../../engine/oci/features.ts'
import { printLine } from '../../output.ts'
import { defineOciCommand } from '../command.ts'
import { SPEC_VERSION } from '../specVersion.ts'

export const featuresCommand = defineOciCommand({
  name: 'features',
  usage: '',
  summary: 'Print what this runtime can do as JSON',
  flags: {},
  args: { min: 0, max: 0 },
  run: () => {
    printLine(JSON.stringify(describeFeatures(VERSION, SPEC_VERSION), undefined, 2))
    return 0
  },
})
