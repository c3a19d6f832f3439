import type { ImageConfig } from '../../base/image.ts'
import type { ContainerRequest } from './request.ts'

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The workload's environment: defaults, then the image's, then the user's; nothing of the host's. HOME is added inside. */
export function buildEnvironment(
  request: ContainerRequest,
  image: Pick<ImageConfig, 'env'> | undefined,
  hostname: string,
): readonly string[] {
  const byName = new Map<string, string>()
  const set = (entry: string) => byName.set(entry.split('=', 1)[0] ?? entry, entry)
  set(DEFAULT_PATH)
  set('container=bryo')
  if (request.tty) set('TERM=xterm')
  set(`HOSTNAME=${hostname}`)
  for (const entry of request.proxyEnv ?? []) set(entry)
  for (const entry of image?.env ?? []) set(entry)
  for (const name of request.unsetEnv) {
    if (name === '*') byName.clear()
    else byName.delete(name)
  }
  for (const entry of request.envMerge ?? []) set(expand(entry, byName))
  for (const entry of request.env) set(entry)
  return [...byName.values()].filter((entry) => entry.includes('='))
}

const VARIABLE = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g

/** `$NAME` and `${NAME}` in a value replaced by what is set so far, by nothing where it is not. */
function expand(entry: string, byName: ReadonlyMap<string, string>): string {
  return entry.replace(VARIABLE, (_, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? ''
    return byName.get(name)?.slice(name.length + 1) ?? ''
  })
}

/** The program and its arguments, as image and user have set them together. */
export function buildCommand(
  request: ContainerRequest,
  image: Pick<ImageConfig, 'entrypoint' | 'cmd'> | undefined,
): readonly string[] {
  const entrypoint = request.entrypoint ?? image?.entrypoint ?? []
  // An entrypoint of the user's makes the image's arguments meaningless.
  const ownArguments = request.entrypoint === undefined ? (image?.cmd ?? []) : []
  const command = request.command.length > 0 ? request.command : ownArguments
  return [...entrypoint, ...command]
}
