import type { LogStream } from '../../base/logConfig.ts'

/**
 * Takes a container's output. Whatever goes wrong with the log afterwards (a full disk, a journal that is gone) costs lines
 * of the log, never the container: nothing here throws once it is open.
 */
export interface LogSink {
  /**
   * Writes what was read at once, also where it ends within a line; it is in the log when this returns.
   * @param data may be used again afterwards
   * @param at nanoseconds since 1970
   */
  write(stream: LogStream, data: Uint8Array, at: bigint): void
  close(): void
}

/** Called the first time that output could not be logged. */
export type LogTrouble = (message: string) => void
