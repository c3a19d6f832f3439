import { BryoError } from '../../base/errors.ts'
import { secretDocument } from '../../engine/secret/secrets.ts'
import { requireSecret, type Secret } from '../../storage/secret/secrets.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { formatDocuments } from '../format/documents.ts'
import { SECRET_INSPECT_FLAGS } from '../options/secrets.ts'
import { writeOut } from '../output.ts'

export const command = defineCommand({
  usage: '[options] SECRET [SECRET...]',
  description: 'Shows all about secrets as JSON; what they say only with --showsecret.',
  examples: ['secret inspect token', "secret inspect --showsecret --format '{{.SecretData}}' token"],
  flags: SECRET_INSPECT_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['secrets'] } },
  run: async ({ flags, args, context }) => {
    if (flags.pretty && flags.format !== undefined) {
      throw new BryoError('USAGE', 'cannot combine --format and --pretty')
    }
    const engine = engineOf(context)
    const secrets: Secret[] = []
    const exitCode = await forEachName(args, context, (name) => {
      secrets.push(requireSecret(engine.store, name))
      return undefined
    })
    if (flags.pretty) {
      writeOut(secrets.map((secret) => readable(secret, flags.showsecret)).join('\n'))
      return exitCode
    }
    const documents = secrets.map((secret) =>
      secretDocument(engine, secret, flags.showsecret ? secret.data : undefined),
    )
    writeOut(await formatDocuments(documents, flags.format, { SecretData: '' }))
    return exitCode
  },
})

function readable({ id, name, created, updated, labels, data }: Secret, showSecret: boolean): string {
  const rows: readonly (readonly [string, string])[] = [
    ['ID:', id],
    ['Name:', name],
    ...Object.entries(labels).map(([key, value]) => ['Label:', `${key}=${value}`] as const),
    ['Driver:', 'file'],
    ['Created at:', created],
    ['Updated at:', updated],
    ...(showSecret ? [['Secret:', data.toString('utf8')] as const] : []),
  ]
  return rows.map(([title, value]) => `${title.padEnd(19)}${value}\n`).join('')
}
