import { BryoError } from '../../../base/errors.ts'

/** What a source path has led to; names are raw bytes, one character each. */
export interface FoundSource {
  readonly isDirectory: boolean
  /** Under which it is copied into a directory. */
  readonly name: string
  /** The path ended with `/.`: what is in the directory is meant, not the directory. */
  readonly contents: boolean
}

/** What a destination path has led to. */
export type FoundTarget =
  | { readonly kind: 'directory'; readonly key: string }
  | { readonly kind: 'file'; readonly name: string }
  /** Nothing is there, but the directory is that it would be in. */
  | { readonly kind: 'missing'; readonly name: string }

export interface CopyPlan {
  /** What comes before the names of the source's files in the archive; empty where they stand alone. */
  readonly prefix: string
  /** The source itself is copied, not only what is in it. */
  readonly includeSelf: boolean
  /** Where the archive is unpacked: the found directory, or the one that holds what was found. */
  readonly into: 'itself' | 'parent'
}

/**
 * How a copy goes, by Docker's rules.
 * @throws BryoError USAGE for a directory onto a file
 */
export function planCopy(source: FoundSource, target: FoundTarget): CopyPlan {
  switch (target.kind) {
    case 'directory':
      return source.contents && source.isDirectory
        ? { prefix: '', includeSelf: false, into: 'itself' }
        : { prefix: source.name, includeSelf: true, into: 'itself' }
    case 'missing':
      return { prefix: target.name, includeSelf: true, into: 'parent' }
    case 'file':
      if (source.isDirectory)
        throw new BryoError('USAGE', 'destination must be a directory when copying a directory')
      return { prefix: target.name, includeSelf: true, into: 'parent' }
  }
}

/** To an archive on standard output. */
export function planArchive(source: FoundSource): Omit<CopyPlan, 'into'> {
  return source.contents && source.isDirectory
    ? { prefix: '', includeSelf: false }
    : { prefix: source.name, includeSelf: true }
}

/** @throws BryoError USAGE: an archive is unpacked into a directory only */
export function requireDirectory(target: FoundTarget): void {
  if (target.kind !== 'directory')
    throw new BryoError('USAGE', 'destination must be a directory when copying from stdin')
}
