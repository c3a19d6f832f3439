import { type ListedVolume, listVolumes, VOLUME_FILTERS, volumeDocument } from '../../engine/volume/list.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { parseFilters } from '../filter.ts'
import { formatRows } from '../format/rows.ts'
import { VOLUME_LS_FLAGS, VOLUME_WITHOUT } from '../options/volumes.ts'
import { writeOut } from '../output.ts'
import { momentOf } from '../pruneFilter.ts'
import { dictionary, underTypeNames } from '../template/value.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Lists the volumes.',
  examples: [
    'volume ls',
    'volume ls --filter dangling=true -q',
    "volume ls --format '{{.Name}} {{.Labels}}'",
  ],
  flags: VOLUME_LS_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const filters = parseFilters(flags.filter, VOLUME_FILTERS)
    const volumes = listVolumes(engineOf(context), { filters, parseTime: momentOf })
    if (flags.quiet) {
      writeOut(volumes.map(({ volume }) => `${volume.name}\n`).join(''))
      return 0
    }
    writeOut(
      await formatRows(volumes, {
        columns: COLUMNS,
        format: flags.format,
        noHeading: flags.noheading,
        fields: templateFields,
        titles: { Name: 'VOLUME NAME' },
        json: volumeDocument,
        jsonLines: context.program === 'docker',
      }),
    )
    return 0
  },
})

const COLUMNS = [
  { title: 'DRIVER', cell: ({ volume }: ListedVolume) => volume.driver },
  { title: 'VOLUME NAME', cell: ({ volume }: ListedVolume) => volume.name },
]

function templateFields(listed: ListedVolume): Readonly<Record<string, unknown>> {
  const { volume, mountCount, users } = listed
  const { UID = 0, GID = 0 } = volumeDocument(listed)
  const fields = {
    Name: volume.name,
    Driver: volume.driver,
    Mountpoint: volume.path,
    CreatedAt: volume.created,
    Labels: dictionary(volume.labels),
    Label: (name: string) => volume.labels[name] ?? '',
    Scope: 'local',
    Options: dictionary(volume.options),
    Status: dictionary({}),
    Anonymous: volume.anonymous,
    MountCount: mountCount,
    Links: users.length,
    NeedsCopyUp: volume.needsCopyUp,
    UID,
    GID,
    ...VOLUME_WITHOUT,
    Availability: 'N/A',
    Group: 'N/A',
    Size: 'N/A',
  }
  return underTypeNames(fields, 'InspectVolumeData', 'VolumeConfigResponse')
}
