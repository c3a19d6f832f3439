import { BryoError, isErrno } from '../../base/errors.ts'
import type { Engine } from '../../engine/engine.ts'
import { findLocalImage } from '../../engine/image/find.ts'
import { saveImages } from '../../engine/image/save.ts'
import { localImageName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { SAVE_FLAGS } from '../options/save.ts'
import { OutputClosed } from '../output.ts'
import { isTerminalFd } from '../terminal.ts'

const STDOUT = 1

export const command = defineCommand({
  usage: '[options] IMAGE [NAME...]',
  description:
    'Writes an image as an archive, with the digests that it has; further names go into the archive with it. With --multi-image-archive, all names are names of images.',
  examples: [
    'save -o alpine.tar alpine',
    'save alpine | ssh other bryo load',
    'save -m --format oci-archive -o all.tar web:1 db:2',
  ],
  flags: SAVE_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    const { format, output } = flags
    const isDirectory = format.endsWith('-dir')
    if (flags.compress && !isDirectory) {
      throw new BryoError(
        'USAGE',
        "--compress can only be set when --format is either 'oci-dir' or 'docker-dir'",
      )
    }
    if (isDirectory && output === undefined) {
      throw new BryoError('USAGE', `cannot save as ${format} to standard output, expected --output DIR`)
    }
    if (output === undefined && (await isTerminalFd(STDOUT))) {
      throw new BryoError('USAGE', 'refusing to save to terminal. Use -o flag or redirect')
    }
    const engine = engineOf(context)
    const several = flags.multiImageArchive || context.program === 'docker'
    const [first = '', ...others] = await Promise.all(
      args.map((name, index) => (several || index === 0 ? localImageName(engine, name) : name)),
    )
    if (format === 'docker-dir' && several && others.length > 0) {
      throw new BryoError('USAGE', 'cannot save several images as docker-dir: it has room for one')
    }
    if (!several) refuseOtherImages(engine, first, others)
    try {
      await saveImages(engine, {
        images: several ? [first, ...others] : [first],
        names: several ? [] : others,
        format,
        target: output ?? STDOUT,
        compress: flags.compress,
      })
    } catch (error) {
      if (isErrno(error, 'EPIPE')) throw new OutputClosed('nobody reads the output', { cause: error })
      throw error
    }
    return 0
  },
})

/** Without --multi-image-archive a second image would come out as a second name of the first one. */
function refuseOtherImages({ store }: Engine, first: string, names: readonly string[]): void {
  const id = findLocalImage(store, first)?.id
  const other = names.find((name) => {
    const found = findLocalImage(store, name)
    return found !== undefined && found.id !== id
  })
  if (other === undefined) return
  throw new BryoError('USAGE', `cannot save "${other}" as a name of "${first}": it is another image`, {
    hint: 'to save both, use --multi-image-archive',
  })
}
