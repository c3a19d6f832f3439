import { BryoError } from '../../base/errors.ts'
import { loadImage } from '../../engine/image/load.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { LOAD_FLAGS } from '../options/images.ts'
import { printLine, printWarning } from '../output.ts'
import { progressOnStderr } from '../progressOnStderr.ts'
import { isTerminalFd } from '../terminal.ts'

const STDIN = 0

export const command = defineCommand({
  usage: '[options]',
  description:
    'Takes the images of an archive: an OCI archive or directory, or what docker save wrote; plain or compressed.',
  examples: ['load -i images.tar', 'ssh build cat images.tar.zst | bryo load'],
  flags: LOAD_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    if (flags.input === undefined && (await isTerminalFd(STDIN))) {
      throw new BryoError('USAGE', 'cannot read an archive from the terminal', {
        hint: 'name a file with --input, or send the archive to standard input',
      })
    }
    using progress = await progressOnStderr({ quiet: flags.quiet })
    const images = await loadImage(engineOf(context), {
      source: flags.input ?? '-',
      platform: flags.platform,
      signaturePolicy: flags.signaturePolicy,
      onProgress: progress.onProgress,
    })
    for (const { id, names, warnings } of images) {
      warnings.forEach(printWarning)
      for (const name of names.length === 0 ? [id] : names) printLine(`Loaded image: ${name}`)
    }
    return 0
  },
})
