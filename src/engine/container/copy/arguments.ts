import { resolve } from 'node:path'
import { BryoError } from '../../../base/errors.ts'

/** One side of `cp`. */
export type CopyEnd =
  | { readonly kind: 'container'; readonly container: string; readonly path: string }
  | { readonly kind: 'host'; readonly path: string }
  /** Standard input or output, as an archive. */
  | { readonly kind: 'stream' }

/** `CONTAINER:PATH`, a path of the host (one with a colon starts with `/` or `.`), or `-`. */
export function parseCopyEnd(text: string): CopyEnd {
  if (text === '-') return { kind: 'stream' }
  const colon = text.indexOf(':')
  if (colon <= 0 || text.startsWith('/') || text.startsWith('.')) return { kind: 'host', path: text }
  return { kind: 'container', container: text.slice(0, colon), path: text.slice(colon + 1) }
}

/** @throws BryoError USAGE where a side has no path, or neither side is a container */
export function parseCopyArguments(source: string, target: string): readonly [CopyEnd, CopyEnd] {
  const ends = [parseCopyEnd(source), parseCopyEnd(target)] as const
  if (ends.some((end) => end.kind !== 'stream' && end.path === '')) {
    throw new BryoError('USAGE', `invalid arguments "${source}", "${target}": you must specify paths`)
  }
  if (ends.every((end) => end.kind !== 'container')) {
    throw new BryoError(
      'USAGE',
      `invalid arguments "${source}", "${target}", expected a container on one side at least, as CONTAINER:PATH`,
    )
  }
  return ends
}

/** Whether a source path means what is in a directory rather than the directory. */
export function meansContents(path: string): boolean {
  return path === '.' || path.endsWith('/.') || /^\/+$/.test(path)
}

/** Paths inside of a container start at its root. */
export function pathInside(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

/** The end of the path is kept: a slash or a dot there has a meaning. */
export function pathOnHost(path: string, cwd: string): string {
  const absolute = resolve(cwd, path)
  if (/\/\.?$/.test(path) && absolute !== '/') return `${absolute}/`
  return absolute
}
