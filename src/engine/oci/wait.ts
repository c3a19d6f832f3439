import { catchSignals, supervise } from '../../runtime/supervise.ts'
import { exitCodeOfStatus } from '../../syscall/process.ts'

/** Waits for a child to end, passing signals on. @returns its exit code, 128 + n for signal n */
export async function waitForProgram(pid: number): Promise<number> {
  const signals = catchSignals()
  return exitCodeOfStatus(await supervise({ pid, signals }))
}
