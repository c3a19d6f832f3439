import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { isObject } from '../../base/json.ts'
import type { Credentials } from './credentials.ts'

export interface HelperOptions {
  /** `secretservice` for the program `docker-credential-secretservice`. */
  readonly name: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Username of a helper's answer whose secret is an identity token. */
const TOKEN_USER = '<token>'
const NOT_FOUND = /credentials not found/i
const TIMEOUT_MS = 120_000
const MAX_OUTPUT = 1024 * 1024

/**
 * The login that a credential helper keeps for a registry; undefined where it has none.
 * @see https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol
 * @throws BryoError TOOL_MISSING, AUTH_REQUIRED
 */
export async function getFromHelper(
  options: HelperOptions,
  server: string,
): Promise<Credentials | undefined> {
  const ended = await callHelper(options, 'get', server)
  if (ended.code !== 0) {
    if (NOT_FOUND.test(ended.output)) return undefined
    throw helperError(options, 'get', ended.output)
  }
  const answer = parseAnswer(options, ended.output)
  const { Username: username, Secret: secret } = answer
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw helperError(options, 'get', 'it gave no Username and Secret')
  }
  if (secret === '') return undefined
  return username === TOKEN_USER
    ? { username: '', password: '', identityToken: secret }
    : { username, password: secret }
}

export async function storeInHelper(
  options: HelperOptions,
  server: string,
  { username, password }: Credentials,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: password })
  const ended = await callHelper(options, 'store', input)
  if (ended.code !== 0) throw helperError(options, 'store', ended.output)
}

/** @returns false where it had none */
export async function eraseFromHelper(options: HelperOptions, server: string): Promise<boolean> {
  const ended = await callHelper(options, 'erase', server)
  if (ended.code === 0) return true
  if (NOT_FOUND.test(ended.output)) return false
  throw helperError(options, 'erase', ended.output)
}

/** User names by registry. */
export async function listHelper(options: HelperOptions): Promise<Readonly<Record<string, string>>> {
  const ended = await callHelper(options, 'list', '')
  if (ended.code !== 0) throw helperError(options, 'list', ended.output)
  const entries = Object.entries(parseAnswer(options, ended.output))
  return Object.fromEntries(entries.filter((item): item is [string, string] => typeof item[1] === 'string'))
}

interface Ended {
  readonly code: number
  readonly output: string
}

async function callHelper(
  { name, env }: HelperOptions,
  action: 'get' | 'store' | 'erase' | 'list',
  input: string,
): Promise<Ended> {
  // The name comes from a file and becomes part of a program's name: no path may be in it.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    throw new BryoError(
      'AUTH_REQUIRED',
      `cannot use credential helper "${name.slice(0, 100)}": it is no name`,
    )
  }
  const program = `docker-credential-${name}`
  const { execFile } = await import('node:child_process')
  return new Promise((resolve, reject) => {
    const options = { env: { ...env }, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT }
    const child = execFile(program, [action], options, (error, stdout, stderr) => {
      if (!error) resolve({ code: 0, output: stdout })
      else if (isErrno(error, 'ENOENT')) {
        reject(
          new BryoError('TOOL_MISSING', `cannot use credential helper "${name}": there is no ${program}`, {
            hint: 'install it, or take credHelpers and credsStore out of the auth file',
            cause: error,
          }),
        )
      } else resolve({ code: 1, output: `${stdout}${stderr}`.trim() || messageOf(error) })
    })
    // A helper may end without reading.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function parseAnswer(options: HelperOptions, text: string) {
  try {
    const answer: unknown = JSON.parse(text)
    if (isObject(answer)) return answer
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw helperError(options, 'get', 'its answer is no JSON object')
}

function helperError({ name }: HelperOptions, action: string, said: string): BryoError {
  const words = said.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, 300)
  return new BryoError('AUTH_REQUIRED', `cannot ${action} login by credential helper "${name}": ${words}`)
}
