import { closeSync } from 'node:fs'
import type { StdioFds } from '../../runtime/plan.ts'
import { pipe } from '../../syscall/fd.ts'
import { isTerminal } from '../../syscall/tty.ts'

/** This process's ends of the pipes to a container's stdio; those that are missing are not piped. */
export interface PipeEnds {
  readonly stdin?: number
  readonly stdout?: number
  readonly stderr?: number
}

/** What a container has for 0, 1 and 2 where it has no terminal. */
export interface ContainerStdio extends Disposable {
  /** undefined where it simply inherits. */
  readonly theirs: StdioFds | undefined
  readonly ours: PipeEnds
  /** Once the container has its copies. */
  closeTheirs(): void
}

const INHERITED: ContainerStdio = {
  theirs: undefined,
  ours: {},
  closeTheirs: () => {},
  [Symbol.dispose]: () => {},
}

export interface StdioChoice {
  readonly tty: boolean
  /** Standard input is open. */
  readonly interactive: boolean
  /** `piped`: all of it, for a monitor. `inherited`: this process's own, but never one of its terminals. `own`: as it is. */
  readonly kind: 'piped' | 'inherited' | 'own'
}

/** Makes the pipes that a container needs; what is not closed or handed over is closed with the scope. */
export function openContainerStdio({ tty, interactive, kind }: StdioChoice): ContainerStdio {
  if (tty || kind === 'own') return INHERITED
  const isPiped = (fd: number) => kind === 'piped' || isTerminal(fd)
  if (![1, 2, ...(interactive ? [0] : [])].some(isPiped)) return INHERITED
  const stdin = interactive && isPiped(0) ? pipe() : undefined
  const stdout = isPiped(1) ? pipe() : undefined
  const stderr = isPiped(2) ? pipe() : undefined
  const ours = {
    ...(stdin && { stdin: stdin[1] }),
    ...(stdout && { stdout: stdout[0] }),
    ...(stderr && { stderr: stderr[0] }),
  }
  const theirs = {
    stdin: stdin?.[0] ?? (interactive ? 0 : undefined),
    stdout: stdout?.[1] ?? 1,
    stderr: stderr?.[1] ?? 2,
  }
  const pipes = [stdin?.[0], stdout?.[1], stderr?.[1]].filter((fd) => fd !== undefined)
  let open = true
  const closeTheirs = () => {
    if (open) for (const fd of pipes) closeSync(fd)
    open = false
  }
  return { theirs, ours, closeTheirs, [Symbol.dispose]: closeTheirs }
}
