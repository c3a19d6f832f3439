/** Every cause that bryo can name; tests and callers match on it, people read the message. */
export type ErrorCode =
  | 'USAGE'
  | 'INTERNAL'
  | 'USERNS_DENIED'
  | 'SUBIDS_MISSING'
  | 'IDMAP_FAILED'
  | 'TOOL_MISSING'
  | 'DEVICE_MISSING'
  | 'NO_SPACE'
  | 'PERMISSION'
  | 'NOT_FOUND'
  | 'NAME_IN_USE'
  | 'AMBIGUOUS'
  | 'IN_USE'
  | 'INVALID_STATE'
  | 'INVALID_REFERENCE'
  | 'INVALID_IMAGE'
  | 'INVALID_ARCHIVE'
  | 'DIGEST_MISMATCH'
  | 'REGISTRY'
  | 'AUTH_REQUIRED'
  | 'NETWORK'
  | 'PORT_IN_USE'
  | 'STORAGE'
  | 'MOUNT'
  | 'RUNTIME'
  | 'COMMAND_NOT_FOUND'
  | 'COMMAND_NOT_EXECUTABLE'
  | 'UNSUPPORTED'

export interface BryoErrorOptions {
  /** What the user can do about it; shown on a line of its own. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/**
 * An error that is meant for the user: the message reads
 * `cannot <verb> "<object>": <found>, expected <wanted>`, the hint names the remedy.
 */
export class BryoError extends Error {
  override readonly name = 'BryoError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: BryoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

/** What went wrong first, where ending a scope failed as well. */
export function firstCause(error: unknown): unknown {
  return error instanceof SuppressedError ? firstCause(error.suppressed) : error
}

/** Exit code of the command line for an error: 127 and 126 speak of the command, 125 of bryo itself. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof BryoError && error.code === 'COMMAND_NOT_FOUND') return 127
  if (error instanceof BryoError && error.code === 'COMMAND_NOT_EXECUTABLE') return 126
  return 125
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** True for a SyscallError or a Node error with this errno name, e.g. `isErrno(e, 'ENOENT')`. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** What `attempt` gives; undefined where it fails with one of these errno names. */
export function unlessErrno<T>(attempt: () => T, ...codes: readonly string[]): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (isErrno(error, ...codes)) return undefined
    throw error
  }
}
