import { BryoError, type ErrorCode, messageOf } from '../../base/errors.ts'
import { writeFd } from '../../syscall/fd.ts'

/** How a forked child's work ended: one JSON text. */
export type StageReport<T> =
  | { readonly ok: true; readonly result: T }
  | {
      readonly ok: false
      readonly message: string
      /** Of an error that is meant for the user. */
      readonly code?: ErrorCode
      readonly hint?: string
      /** Name of the errno of any other one. */
      readonly errno?: string
    }

/**
 * The body of a forked child: does the work and writes how it went.
 * @returns the exit status: 0, or 1 for a reported failure
 */
export function reportMain(reportFd: number, work: () => unknown): number {
  let report: StageReport<unknown>
  try {
    report = { ok: true, result: work() }
  } catch (error) {
    report = failureOf(error)
  }
  writeFd(reportFd, Buffer.from(JSON.stringify(report)))
  return report.ok ? 0 : 1
}

export function failureOf(error: unknown): StageReport<never> {
  const message = messageOf(error)
  if (error instanceof BryoError) {
    const { code, hint } = error
    return { ok: false, message, code, ...(hint !== undefined && { hint }) }
  }
  const errno = error instanceof Error && 'code' in error ? { errno: String(error.code) } : {}
  return { ok: false, message, ...errno }
}

/** A failed system call of a child: has its errno's name as `code`. */
export class StageError extends Error {
  override readonly name = 'StageError'
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/**
 * What the child gave. Both sides are copies of one program: what is whole has the form of what was sent.
 * @throws BryoError or StageError, what the child threw; BryoError RUNTIME where it ended before it had reported
 */
export function resultOfReport<T>(text: string, what: string): T {
  const report = parse<T>(text)
  if (report?.ok) return report.result
  if (!report)
    throw new BryoError('RUNTIME', `cannot ${what}: its process ended too early, expected a report`)
  const { message, code, hint, errno } = report
  throw code ? new BryoError(code, message, { hint }) : new StageError(message, errno)
}

function parse<T>(text: string): StageReport<T> | undefined {
  try {
    return JSON.parse(text) as StageReport<T>
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
