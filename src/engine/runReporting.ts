import { BryoError, type ErrorCode, isErrno, messageOf } from '../base/errors.ts'
import { type OwnedFd, ownFd, pipe, readFd, writeFd } from '../syscall/fd.ts'
import { waitForExit } from '../syscall/process.ts'
import { startInUserNamespace } from '../userns/enter.ts'
import type { Engine } from './engine.ts'

export interface ReportingTask {
  /** What the message of an unexpected failure begins with: `cannot export volume "data"`. */
  readonly subject: string
  /** Fds that `main` uses beside 0, 1 and 2; all others are closed. */
  readonly keepFds: readonly number[]
  /** Synchronous work as root of the default user namespace. */
  readonly main: () => void
}

interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string | undefined
}

/**
 * Runs `main` in a child that is root of a user namespace with the default map, and waits for it.
 * @throws BryoError what `main` threw there, NO_SPACE where the disk was full
 */
export function runReporting(engine: Engine, task: ReportingTask): void {
  const [readEnd, writeEnd] = pipe()
  using ours = ownFd(readEnd)
  using theirs = ownFd(writeEnd)
  const { pid } = startInUserNamespace({
    maps: engine.defaultIds().maps,
    identity: engine.identity(),
    searchPath: engine.facts.env.PATH,
    keepFds: [...task.keepFds, theirs.fd],
    main: () => report(task, theirs.fd),
  })
  theirs.close()
  const text = readAll(ours)
  const status = waitForExit(pid)
  if (status.kind === 'exited' && status.code === 0) return
  throw failureOf(text, task.subject)
}

function report({ main, subject }: ReportingTask, fd: number): number {
  try {
    main()
    return 0
  } catch (error) {
    writeFd(fd, Buffer.from(JSON.stringify(describe(error, subject))))
    return 1
  }
}

function describe(error: unknown, subject: string): Failure {
  if (error instanceof BryoError) return { code: error.code, message: error.message, hint: error.hint }
  const code = isErrno(error, 'ENOSPC', 'EDQUOT') ? 'NO_SPACE' : 'STORAGE'
  return { code, message: `${subject}: ${messageOf(error)}` }
}

/** Both sides are copies of one program: what is whole has the form of what was sent. */
function failureOf(text: string, subject: string): BryoError {
  try {
    const { code, message, hint } = JSON.parse(text) as Failure
    return new BryoError(code, message, { hint })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return new BryoError('STORAGE', `${subject}: the process that does it was killed`)
  }
}

function readAll({ fd }: OwnedFd): string {
  const parts: Buffer[] = []
  for (;;) {
    const buffer = Buffer.alloc(4096)
    const count = readFd(fd, buffer)
    if (count === 0) return Buffer.concat(parts).toString('utf8')
    parts.push(buffer.subarray(0, count))
  }
}
