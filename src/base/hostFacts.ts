/** What the process was started with; read once, by the command line. */
export interface HostFacts {
  readonly uid: number
  readonly gid: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
  /** What the launcher has set for the runtime: for programs of bryo's own only. */
  readonly runtimeEnv: Readonly<Record<string, string>>
  /** Each stage's steps go to stderr with their time. */
  readonly debug: boolean
}
