import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import {
  type MountedContainer,
  mountContainer,
  mountedContainers,
  requireUnshared,
} from '../../engine/container/mountCommand.ts'
import { selectContainers } from '../../engine/container/select.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { formatJson, isJsonFormat } from '../format/rows.ts'
import { formatTable } from '../format/tabwriter.ts'
import { MOUNT_FLAGS } from '../options/containerFiles.ts'
import { writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] [CONTAINER...]',
  description:
    'Mounts the root of containers and prints where, inside of bryo unshare. Without a container, lists what is mounted.',
  examples: ['unshare sh -c \'ls "$(bryo mount web)"\'', 'mount'],
  flags: MOUNT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    requireUnshared(engine, 'mount')
    const { all, latest } = flags
    if (args.length > 0 || all || latest) {
      const names = selectContainers(engine, { names: args, all, latest }, 'any')
      return await forEachName(names, context, (name) => {
        const path = mountContainer(engine, name)
        return names.length === 1 ? path : `${shortId(name)} ${path}`
      })
    }
    writeOut(listText(mountedContainers(engine), flags))
    return 0
  },
})

function listText(
  mounted: readonly MountedContainer[],
  { format, noTrunc }: { readonly format: string | undefined; readonly noTrunc: boolean },
): string {
  if (format === undefined) {
    return formatTable(mounted.map(({ record, path }) => [noTrunc ? record.id : shortId(record.id), path]))
  }
  if (!isJsonFormat(format)) throw new BryoError('USAGE', "only supported value for '--format' is 'json'")
  return formatJson(
    mounted.map(({ record, path }) => ({ id: record.id, Names: [record.name], mountpoint: path })),
  )
}
