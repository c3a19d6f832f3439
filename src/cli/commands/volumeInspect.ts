import { BryoError } from '../../base/errors.ts'
import { describeVolume, listVolumes, volumeDocument } from '../../engine/volume/list.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { type Document, formatDocuments } from '../format/documents.ts'
import { VOLUME_INSPECT_FLAGS, VOLUME_WITHOUT } from '../options/volumes.ts'
import { writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] VOLUME [VOLUME...]',
  description: 'Shows all that is known about volumes, as JSON.',
  examples: ['volume inspect data', "volume inspect --format '{{.Mountpoint}}' data"],
  flags: VOLUME_INSPECT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['volumes'] } },
  run: async ({ flags, args, context }) => {
    if (flags.all === args.length > 0) {
      throw new BryoError('USAGE', 'provide one or more volume names or the --all option')
    }
    const engine = engineOf(context)
    const documents: Document[] = flags.all ? listVolumes(engine).map(volumeDocument) : []
    const exitCode = await forEachName(args, context, (name) => {
      documents.push(volumeDocument(describeVolume(engine, name)))
      return undefined
    })
    writeOut(await formatDocuments(documents, flags.format, ABSENT))
    return exitCode
  },
})

const ABSENT: Document = { UID: 0, GID: 0, Anonymous: false, NeedsCopyUp: false, ...VOLUME_WITHOUT }
