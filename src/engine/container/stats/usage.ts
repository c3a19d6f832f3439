/** What a container has used so far, or uses now; undefined for what the kernel does not tell. */
export interface Usage {
  /** Nanoseconds of all its processes together. */
  readonly cpuNs: number
  /** Bytes. */
  readonly memory: number
  /** Bytes; the host's memory where it has no limit. */
  readonly memoryLimit: number
  /** Processes and threads. */
  readonly pids: number
  /** Bytes, as the container sees them. */
  readonly network: Transfer | undefined
  /** Bytes from and to disks. */
  readonly block: Transfer | undefined
}

export interface Transfer {
  readonly input: number
  readonly output: number
}

export function addTransfers(transfers: readonly Transfer[]): Transfer {
  return transfers.reduce(
    (sum, { input, output }) => ({ input: sum.input + input, output: sum.output + output }),
    { input: 0, output: 0 },
  )
}
