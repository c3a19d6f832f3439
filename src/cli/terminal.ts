import type { HostFacts } from '../base/hostFacts.ts'

/** Whether the descriptor is a terminal. `node:tty` would take longer to load than the runtime to start. */
export async function isTerminalFd(fd: number): Promise<boolean> {
  const { fstatSync } = process.getBuiltinModule('node:fs')
  try {
    if (!fstatSync(fd).isCharacterDevice()) return false
  } catch {
    // Closed: nobody looks at it.
    return false
  }
  const { isTerminal } = await import('../syscall/tty.ts')
  return isTerminal(fd)
}

/** Colours are for terminals, and not for people who refuse them. @see https://no-color.org */
export async function wantsColour(fd: number, env: HostFacts['env']): Promise<boolean> {
  return (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb' && (await isTerminalFd(fd))
}
