import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { removeByName } from '../../engine/container/remove.ts'
import type { Engine } from '../../engine/engine.ts'
import { findLocalImage } from '../../engine/image/find.ts'
import { listImages } from '../../engine/image/list.ts'
import { removeImage } from '../../engine/image/remove.ts'
import { localName } from '../../engine/registry/localName.ts'
import { readManifestLists } from '../../storage/manifestList/read.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { removalExitCode } from '../forEach.ts'
import { RMI_FLAGS } from '../options/images.ts'
import { printLine } from '../output.ts'
import { printError } from '../report.ts'

export const command = defineCommand({
  usage: '[options] IMAGE [IMAGE...]',
  description:
    'Takes a name from an image, and removes the image with its last name. By id, the image goes with its name.',
  examples: ['rmi alpine', 'rmi --force 3fd9065eaf02', 'rmi --all'],
  flags: RMI_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args, context }) => {
    if (flags.all && args.length > 0)
      throw new BryoError('USAGE', 'cannot use --all with the name of an image')
    if (!flags.all && args.length === 0) throw new BryoError('USAGE', 'image name or ID must be specified')
    const engine = engineOf(context)
    const images = flags.all
      ? [...ownImages(engine), ...readManifestLists(engine.store).map(({ name }) => name)]
      : args
    let exitCode = 0
    for (const image of images) {
      try {
        await removeOne(engine, image, { force: flags.force, prune: !flags.noPrune })
      } catch (error) {
        if (!(error instanceof BryoError)) throw error
        // With --all it may have gone as the parent of another one.
        if ((flags.ignore || flags.all) && error.code === 'NOT_FOUND') continue
        await printError(error, context.facts.env, context.facts.debug)
        exitCode = Math.max(exitCode, removalExitCode('IN_USE')(error))
      }
    }
    return exitCode
  },
})

async function removeOne(
  engine: Engine,
  text: string,
  { force, prune }: { readonly force: boolean; readonly prune: boolean },
): Promise<void> {
  const image = await localName(engine, text)
  if (!findLocalImage(engine.store, image) && (await removeList(engine, image))) return
  const { untagged, deleted } = await removeImage(engine, {
    image,
    force,
    prune,
    removeContainers: async (ids) => {
      for (const id of ids) removeByName(engine, id, { force: true, volumes: true, ignore: true })
    },
  })
  for (const name of untagged) printLine(`Untagged: ${name}`)
  for (const id of deleted) printLine(`Deleted: ${digestHex(id)}`)
}

/** Nobody removes those of additional stores. */
function ownImages(engine: Engine): readonly string[] {
  return listImages(engine).flatMap(({ id, readOnly = false }) => (readOnly ? [] : id))
}

/** False where it is no manifest list. */
async function removeList(engine: Engine, text: string): Promise<boolean> {
  if (readManifestLists(engine.store).length === 0) return false
  const { findListAsImage } = await import('../../engine/registry/listsAsImages.ts')
  const list = findListAsImage(engine, text)
  if (!list) return false
  const { removeManifestList } = await import('../../engine/registry/manifestList.ts')
  for (const name of list.names) {
    removeManifestList(engine, name)
    printLine(`Untagged: ${name}`)
  }
  printLine(`Deleted: ${digestHex(list.id)}`)
  return true
}
