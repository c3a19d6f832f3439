export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo'

/** Seconds since 1970 (negative before) and 0 to 999,999,999 nanoseconds that are added to them. */
export interface TarTime {
  readonly seconds: bigint
  readonly nanoseconds: bigint
}

/** A run of bytes of a sparse file that the archive stores; what lies between two runs is a hole. */
export interface SparseExtent {
  readonly offset: number
  readonly length: number
}

/** The bytes of a file, to be read once and in order, before the next entry is asked for. */
export interface TarContent {
  /** The next bytes, holes as zeros; 0 at the end of the file. */
  read(buffer: Uint8Array): number
  /** Writes the whole file to an empty one that is open at its start; holes stay holes. */
  copyTo(fd: number): void
}

/** What an archive says of an entry; names are raw bytes that nobody has checked. */
export interface TarHeader {
  readonly name: Buffer
  readonly type: TarEntryType
  /** Permission, set-id and sticky bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file, holes included; 0 for every other type. */
  readonly size: number
  readonly mtime: TarTime
  /** Target of a link, raw; empty for every other type. */
  readonly linkName: Buffer
  readonly devMajor: number
  readonly devMinor: number
  readonly xattrs: ReadonlyMap<string, Buffer>
}

export interface TarEntry extends TarHeader {
  /** In order and apart; undefined for a file without holes. */
  readonly sparse: readonly SparseExtent[] | undefined
  readonly content: TarContent
}
