import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { type PulledImage, pullAllTags, pullImage } from '../../engine/image/pull.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { PULL_COMMAND_FLAGS } from '../options/images.ts'
import { printLine, printWarning } from '../output.ts'
import { platformText } from '../platformText.ts'
import { progressOnStderr } from '../progressOnStderr.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] IMAGE [IMAGE...]',
  description:
    'Fetches images from their registries, and prints their ids. A short name is one of docker.io.',
  examples: ['pull alpine', 'pull --platform linux/arm64 debian:12'],
  flags: PULL_COMMAND_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    if (flags.platform !== undefined && (flags.arch ?? flags.os ?? flags.variant) !== undefined) {
      throw new BryoError('USAGE', 'cannot use --platform with --arch, --os or --variant')
    }
    const engine = engineOf(context)
    using progress = await progressOnStderr({ quiet: flags.quiet, announce: 'Trying to pull' })
    for (const reference of args) {
      const request = {
        reference,
        platform: platformText(flags),
        policy: flags.policy,
        ...registrySettings(flags),
        signaturePolicy: flags.signaturePolicy,
        onProgress: progress.onProgress,
      }
      const images = flags.allTags ? await pullAllTags(engine, request) : [await pullImage(engine, request)]
      images.forEach(printPulled)
    }
    return 0
  },
})

function printPulled({ id, warnings }: PulledImage): void {
  warnings.forEach(printWarning)
  printLine(digestHex(id))
}
