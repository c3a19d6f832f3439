import type { WaitStatus } from '../syscall/process.ts'

/**
 * Runs `main` in a child of this process that is root of a user namespace with the default id map, and waits for it.
 * The subordinate ids' files are its own there. `main` does synchronous work only.
 */
export type RunInUserns = (main: () => number) => WaitStatus
