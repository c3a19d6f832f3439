import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { requireUnshared } from '../../engine/container/mountCommand.ts'
import { listImages } from '../../engine/image/list.ts'
import { type MountedImage, mountedImages, mountImage } from '../../engine/image/mount.ts'
import { localImageName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { formatJson, isJsonFormat } from '../format/rows.ts'
import { formatTable } from '../format/tabwriter.ts'
import { IMAGE_MOUNT_FLAGS } from '../options/imageFacts.ts'
import { printLine, writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] [IMAGE...]',
  description:
    'Mounts what is in images, read-only, and prints where, inside of bryo unshare. Without an image, lists what is mounted.',
  examples: ['unshare sh -c \'ls "$(bryo image mount alpine)"\'', 'image mount'],
  flags: IMAGE_MOUNT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    requireUnshared(engine, 'image mount')
    if (flags.all && args.length > 0)
      throw new BryoError('USAGE', 'cannot use --all with the name of an image')
    if (args.length === 0 && !flags.all) {
      writeOut(listText(mountedImages(engine), flags.format))
      return 0
    }
    const names = flags.all ? listImages(engine).map(({ id }) => id) : args
    const mounted: MountedImage[] = []
    for (const name of names) mounted.push(mountImage(engine, await localImageName(engine, name)))
    const [only, ...others] = mounted
    if (only && others.length === 0 && flags.format === undefined) printLine(only.path)
    else writeOut(listText(mounted, flags.format))
    return 0
  },
})

function listText(mounted: readonly MountedImage[], format: string | undefined): string {
  if (format === undefined) {
    return formatTable(mounted.map(({ image, path }) => [image.names[0] ?? image.id, path]))
  }
  if (!isJsonFormat(format)) throw new BryoError('USAGE', "only supported value for '--format' is 'json'")
  return formatJson(
    mounted.map(({ image, path }) => ({
      id: digestHex(image.id),
      Repositories: image.names,
      mountpoint: path,
    })),
  )
}
