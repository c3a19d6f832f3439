import { matchesLabel } from '../../base/labels.ts'
import { secretDocument } from '../../engine/secret/secrets.ts'
import { readSecretInfos, type SecretInfo } from '../../storage/secret/secrets.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { parseFilters } from '../filter.ts'
import { formatRows } from '../format/rows.ts'
import { humanAgo } from '../format/units.ts'
import { SECRET_LS_FLAGS } from '../options/secrets.ts'
import { writeOut } from '../output.ts'
import { dictionary } from '../template/value.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Lists the secrets, without what they say.',
  examples: ['secret ls', "secret ls --format '{{.Name}} {{.CreatedAt}}'"],
  flags: SECRET_LS_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const engine = engineOf(context)
    const filters = parseFilters(flags.filter, ['driver', 'id', 'label', 'name'])
    const secrets = readSecretInfos(engine.store).filter((secret) =>
      [...filters].every(([key, values]) => values.some((value) => fits(secret, key, value))),
    )
    if (flags.quiet) {
      writeOut(secrets.map(({ id }) => `${id}\n`).join(''))
      return 0
    }
    const now = Date.now()
    writeOut(
      await formatRows(secrets, {
        columns: [
          { title: 'ID', cell: ({ id }) => id },
          { title: 'NAME', cell: ({ name }) => name },
          { title: 'DRIVER', cell: () => 'file' },
          { title: 'CREATED', cell: ({ created }) => humanAgo(Date.parse(created), now) },
          { title: 'UPDATED', cell: ({ updated }) => humanAgo(Date.parse(updated), now) },
        ],
        format: flags.format,
        noHeading: flags.noheading,
        fields: (secret) => templateFields(secret, now),
        titles: { CreatedAt: 'CREATED', UpdatedAt: 'UPDATED' },
        json: (secret) => secretDocument(engine, secret),
        jsonLines: context.program === 'docker',
      }),
    )
    return 0
  },
})

function fits({ id, name, labels }: SecretInfo, key: string, value: string): boolean {
  switch (key) {
    case 'driver':
      return value === 'file'
    case 'id':
      return id.startsWith(value)
    case 'label':
      return matchesLabel(labels, value)
    default:
      return name.includes(value)
  }
}

function templateFields(secret: SecretInfo, now: number): Readonly<Record<string, unknown>> {
  return {
    ID: secret.id,
    Name: secret.name,
    Driver: 'file',
    Spec: {
      Name: secret.name,
      Driver: { Name: 'file', Options: dictionary({}) },
      Labels: dictionary(secret.labels),
    },
    CreatedAt: humanAgo(Date.parse(secret.created), now),
    UpdatedAt: humanAgo(Date.parse(secret.updated), now),
    Labels: dictionary(secret.labels),
    Label: (name: string) => secret.labels[name] ?? '',
  }
}
