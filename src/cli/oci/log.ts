import { appendFileSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { writeErr } from '../output.ts'
import { printable } from '../report.ts'

export type OciLogLevel = 'warning' | 'error'

/** Where messages go: `--log`, else standard error. */
export interface OciLog {
  write(level: OciLogLevel, message: string): void
}

export interface OciLogOptions {
  /** Absolute; undefined for standard error alone. */
  readonly file: string | undefined
  readonly format: 'text' | 'json'
  /** Warnings are left out. */
  readonly errorsOnly: boolean
}

/**
 * An engine that drives this program reads the reason of a failure in the log; people read it on standard error, where errors are shown
 * in any case.
 */
export function openLog({ file, format, errorsOnly }: OciLogOptions): OciLog {
  return {
    write: (level, message) => {
      if (errorsOnly && level !== 'error') return
      const written = file !== undefined && append(file, line(format, level, message))
      if (level === 'error' || !written) writeErr(`${LABELS[level]}: ${printable(message)}\n`)
    },
  }
}

const LABELS: Readonly<Record<OciLogLevel, string>> = { warning: 'Warning', error: 'Error' }

function line(format: OciLogOptions['format'], level: OciLogLevel, message: string): string {
  const time = new Date().toISOString()
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time })}\n`
  return `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}\n`
}

/** False where it cannot be written: the message must not be lost, nor hide the failure that it tells of. */
function append(file: string, text: string): boolean {
  try {
    appendFileSync(file, text, { mode: 0o600 })
    return true
  } catch (error) {
    if (
      isErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENXIO')
    )
      return false
    throw error
  }
}
