import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unlessErrno } from '../../base/errors.ts'

/** A place that the host's apt(8) fetches packages from. */
export interface AptSource {
  readonly uri: string
  readonly suites: readonly string[]
  readonly components: readonly string[]
  /** A keyring file, where the entry names one. */
  readonly signedBy: string | undefined
}

const DIRECTORY = '/etc/apt'

/** All enabled sources of binary packages. @see sources.list(5) */
export function readAptSources(): readonly AptSource[] {
  const parts = join(DIRECTORY, 'sources.list.d')
  const names = unlessErrno(() => readdirSync(parts), 'ENOENT', 'EACCES', 'ENOTDIR') ?? []
  const files = [join(DIRECTORY, 'sources.list'), ...names.sort().map((name) => join(parts, name))]
  return files.flatMap((path) =>
    path.endsWith('.sources')
      ? parseDeb822(readOptional(path))
      : path.endsWith('.list')
        ? parseLines(readOptional(path))
        : [],
  )
}

function readOptional(path: string): string {
  return unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT', 'EACCES') ?? ''
}

/** `deb [signed-by=FILE] URI SUITE COMPONENT...` Pure. */
export function parseLines(text: string): readonly AptSource[] {
  return text.split('\n').flatMap((line) => {
    const [, options = '', rest = ''] = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?([^#]*)/.exec(line) ?? []
    const [uri, suite, ...components] = rest.trim().split(/\s+/)
    if (!uri || suite === undefined) return []
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1]
    return [{ uri, suites: [suite], components, signedBy }]
  })
}

/** Stanzas of fields. Pure. */
export function parseDeb822(text: string): readonly AptSource[] {
  const withoutComments = text.replace(/^#.*\n?/gm, '')
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) =>
      new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t]+.*)*)`, 'im').exec(stanza)?.[1]?.trim()
    const words = (name: string) => field(name)?.split(/\s+/) ?? []
    if (!words('Types').includes('deb') || /^no$/i.test(field('Enabled') ?? '')) return []
    const key = field('Signed-By')
    const signedBy = key?.startsWith('/') ? key : undefined
    const shared = { suites: words('Suites'), components: words('Components'), signedBy }
    return words('URIs').map((uri) => ({ uri, ...shared }))
  })
}
