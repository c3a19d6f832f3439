import { BryoError } from '../../base/errors.ts'
import { type LoginPlace, login, parseLoginPlace, savedLogin, verifyLogin } from '../../engine/image/login.ts'
import type { RegistrySettings } from '../../engine/image/registryOptions.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { LOGIN_FLAGS } from '../options/registry.ts'
import { printLine, printWarning } from '../output.ts'
import { ask } from '../prompt.ts'
import { registrySettings } from '../registrySettings.ts'
import { readStdinText } from '../stdinText.ts'

export const command = defineCommand({
  usage: '[options] [REGISTRY]',
  description:
    'Asks a registry whether it takes a user name and password, and keeps them for later commands. Without REGISTRY it is docker.io.',
  examples: [
    'login registry.example.org',
    'login -u ana --password-stdin registry.example.org < password.txt',
    'login --get-login registry.example.org',
  ],
  flags: LOGIN_FLAGS,
  args: { min: 0, max: 1 },
  run: async ({ flags, args: [registry = 'docker.io'], context }) => {
    const place = parseLoginPlace(registry)
    const settings = registrySettings(flags)
    const { facts } = context
    if (flags.getLogin) {
      const { username } = await requireLogin(context, place, settings)
      printLine(username === '' ? '<token>' : username)
      return 0
    }
    if (flags.verify) {
      const credentials = await requireLogin(context, place, settings)
      await verifyLogin({ facts }, { place, credentials, ...settings })
      printLine('Login is valid.')
      return 0
    }
    const credentials = await readCredentials(context, place, { ...settings, ...flags })
    const where = await login({ facts }, { place, credentials, ...settings })
    if (flags.verbose) printLine(`Used: ${where}`)
    printLine('Login Succeeded!')
    return 0
  },
})

async function requireLogin({ facts }: CommandContext, place: LoginPlace, settings: RegistrySettings) {
  const found = await savedLogin({ facts }, place, settings)
  if (found) return found
  throw new BryoError('AUTH_REQUIRED', `not logged into ${place.key}`)
}

interface Given extends RegistrySettings {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly passwordStdin: boolean
}

/** From the options, standard input or the terminal; a saved user name is what Enter means. */
async function readCredentials(context: CommandContext, place: LoginPlace, given: Given) {
  if (given.passwordStdin && given.password !== undefined) {
    throw new BryoError('USAGE', 'cannot use --password-stdin with --password')
  }
  if (given.passwordStdin) {
    if (given.username === undefined) {
      throw new BryoError('USAGE', 'cannot use --password-stdin without --username')
    }
    return { username: given.username, password: readStdinText('password').replace(/\r?\n$/, '') }
  }
  if (given.password !== undefined) printWarning('a password on the command line can be seen by other users')
  const username = given.username ?? (await askUser(context, place, given))
  return { username, password: given.password ?? ask('Password: ', { echo: false }) }
}

async function askUser(
  { facts }: CommandContext,
  place: LoginPlace,
  settings: RegistrySettings,
): Promise<string> {
  const saved = (await savedLogin({ facts }, place, settings))?.username ?? ''
  const said = ask(saved === '' ? 'Username: ' : `Username (${saved}): `, { echo: true })
  if (said === '' && saved === '') throw new BryoError('USAGE', 'cannot log in: no user name was given')
  return said === '' ? saved : said
}
