/** What the process was started with; read once, by the command line. */
export interface HostFacts {
  readonly uid: number
  readonly gid: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
  /** Each stage's steps go to stderr with their time. */
  readonly debug: boolean
}
