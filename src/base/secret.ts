/** A secret that a container gets as a file in memory. Plain data. */
export interface SecretFile {
  /** Below /run/secrets, or absolute anywhere inside. */
  readonly target: string
  readonly base64: string
  /** Octal permission bits. */
  readonly mode: number
  /** Ids inside; container root's by default. */
  readonly uid?: number
  readonly gid?: number
}
