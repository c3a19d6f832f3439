import type { TarEntryType, TarTime } from './tarEntry.ts'

/** What a tree holds beside what an archive can: sockets. */
export type NodeType = Exclude<TarEntryType, 'hardlink'> | 'socket'

/** Owner, mode and so on of a file, as the reading process's user namespace sees them. */
export interface NodeFacts {
  readonly type: NodeType
  /** Permission, set-id and sticky bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file; 0 for every other type. */
  readonly size: number
  readonly mtime: TarTime
  /** Number of names. */
  readonly links: number
  /** The same for two names of one file. */
  readonly key: string
  readonly devMajor: number
  readonly devMinor: number
}

/** A file of a tree that is being walked: valid until the next one is asked for. */
export interface TreeEntry {
  /** From the tree's root, raw: no slash at either end. Empty for the root itself. */
  readonly path: Buffer
  readonly facts: NodeFacts
  /** Target of a symbolic link. */
  linkTarget(): Buffer
  /** Attributes that mean something on another filesystem too. */
  xattrs(): ReadonlyMap<string, Buffer>
  /** A read-only fd of a regular file, for the caller to close. */
  openContent(): number
}

/** What a layer says of the layers below it. */
export interface TreeMark {
  readonly kind: 'whiteout' | 'opaque'
  /** What is gone; of an opaque mark, the directory whose content is gone. */
  readonly path: Buffer
}
