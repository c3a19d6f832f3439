import type { OnProgress } from '../engine/image/progress.ts'
import { writeErr } from './output.ts'
import { createProgress } from './progress.ts'
import { isTerminalFd } from './terminal.ts'

const STDERR = 2

export interface StderrProgress extends Disposable {
  /** Undefined where the user wants no progress. */
  readonly onProgress: OnProgress | undefined
}

/** Progress on standard error, until the end of a `using` block, so that an error message starts below it. */
export async function progressOnStderr(options: {
  readonly quiet: boolean
  readonly announce?: string
}): Promise<StderrProgress> {
  if (options.quiet) return { onProgress: undefined, [Symbol.dispose]: () => {} }
  const terminal = (await isTerminalFd(STDERR))
    ? (await import('../syscall/tty.ts')).getWindowSize(STDERR)
    : undefined
  const { announce } = options
  const view = createProgress({
    write: writeErr,
    terminal,
    now: () => performance.now(),
    ...(announce === undefined ? {} : { announce }),
  })
  return { onProgress: view.onProgress, [Symbol.dispose]: view.close }
}
