/** Where a container's output goes. */
export const LOG_DRIVERS = ['k8s-file', 'json-file', 'journald', 'none', 'passthrough'] as const
export type LogDriver = (typeof LOG_DRIVERS)[number]

export type LogStream = 'stdout' | 'stderr'

/** What a monitor has to know to write a container's log: plain data, as it is handed over as JSON. */
export interface LogConfig {
  readonly driver: LogDriver
  /** The file of k8s-file and json-file; journald's socket; empty for the others. */
  readonly path: string
  /** Bytes that a file may have before it is rotated; absent for no limit. */
  readonly maxSize?: number
  /** Files that are kept: PATH, PATH.1 and so on; with 1 the file is emptied when it is full. */
  readonly maxFiles: number
  /** Finished: its template has been filled. */
  readonly tag?: string
  /** Labels and variables that were chosen to go with each line: journal fields, or `attrs` of json-file. */
  readonly attributes: Readonly<Record<string, string>>
  readonly containerId: string
  readonly containerName: string
  /** The image's name; empty for a container on a directory. */
  readonly image: string
}
