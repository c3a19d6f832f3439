/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessRef {
  readonly pid: number
  /** In clock ticks since boot, as /proc/PID/stat has it. */
  readonly startTime: string
  readonly bootId: string
}
