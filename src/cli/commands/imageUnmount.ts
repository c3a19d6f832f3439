import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { requireUnshared } from '../../engine/container/mountCommand.ts'
import { mountedImages, unmountImage } from '../../engine/image/mount.ts'
import { localImageName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { IMAGE_UNMOUNT_FLAGS } from '../options/imageFacts.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Takes away what bryo image mount has mounted, inside of bryo unshare.',
  examples: ['image unmount alpine', 'image unmount --all'],
  flags: IMAGE_UNMOUNT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    requireUnshared(engine, 'image unmount')
    const { all, force } = flags
    if (!all && args.length === 0) throw new BryoError('USAGE', 'image name or ID must be specified')
    const names = all ? mountedImages(engine).map(({ image }) => image.id) : args
    for (const name of names) {
      const { image } = unmountImage(engine, await localImageName(engine, name), force)
      printLine(digestHex(image.id))
    }
    return 0
  },
})
