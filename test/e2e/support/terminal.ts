import type { CommandOptions, Started } from './command.ts'
import { BRYO, type World } from './world.ts'

/** A terminal session of 24 rows and 80 columns; what is written to it is typed. */
export interface Terminal extends Started {
  /** Output so far with plain line ends. */
  readonly text: () => string
}

/** Runs a line of shell in a terminal of its own, with `bryo` as a function; stdout and stderr are the terminal. */
export function openTerminal(world: World, line: string, options: CommandOptions = {}): Terminal {
  const script = `stty rows 24 cols 80; bryo() { "${BRYO}" "$@"; }; ${line}`
  const started = world.startCommand(['script', '-qefc', script, '/dev/null'], {
    ...options,
    env: { TERM: 'xterm', SHELL: '/bin/sh', ...options.env },
  })
  return { ...started, text: () => started.stdout().replaceAll('\r\n', '\n') }
}
