import { readFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { createSecret } from '../../engine/secret/secrets.ts'
import { requireSecret } from '../../storage/secret/secrets.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { SECRET_CREATE_FLAGS } from '../options/secrets.ts'
import { printLine } from '../output.ts'
import { toRecord } from '../parse/keyValue.ts'
import { absoluteHostPath } from '../parse/path.ts'

const STDIN = 0

export const command = defineCommand({
  usage: '[options] NAME FILE|-',
  description:
    'Stores what a file, standard input or an environment variable says as a secret, and prints its id.',
  examples: [
    'secret create db-password password.txt',
    'secret create --env token API_TOKEN',
    'secret create key -',
  ],
  flags: SECRET_CREATE_FLAGS,
  args: { min: 2, max: 2, completion: { kind: 'files' } },
  run: ({ flags, args: [name = '', source = ''], context }) => {
    const { driver, replace, ignore } = flags
    if (replace && ignore) throw new BryoError('USAGE', 'cannot use --ignore and --replace together')
    const data = flags.env ? fromEnvironment(source, context.facts.env) : fromFile(source, context.facts.cwd)
    const labels = toRecord(flags.label)
    const engine = engineOf(context)
    try {
      printLine(createSecret(engine, { name, data, labels, driver, replace }))
    } catch (error) {
      if (!(ignore && error instanceof BryoError && error.code === 'NAME_IN_USE')) throw error
      printLine(requireSecret(engine.store, name).id)
    }
    return 0
  },
})

function fromEnvironment(name: string, env: Readonly<Record<string, string | undefined>>): Buffer {
  const value = env[name]
  if (value !== undefined) return Buffer.from(value)
  throw new BryoError('NOT_FOUND', `cannot create store secret data: environment variable ${name} is not set`)
}

function fromFile(source: string, cwd: string): Buffer {
  try {
    return readFileSync(source === '-' ? STDIN : absoluteHostPath(source, cwd))
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) throw cause
    throw new BryoError('NOT_FOUND', `cannot read secret from "${source}": ${messageOf(cause)}`, { cause })
  }
}
