import { BryoError, type ErrorCode } from '../../base/errors.ts'
import type { AppliedLayer } from '../../storage/apply/applyLayer.ts'

/** What the unpacking child says at its end: one JSON text. */
export type UnpackReport =
  | ({ readonly ok: true } & AppliedLayer)
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly hint?: string }

export function reportOfError(error: BryoError): UnpackReport {
  const { code, message, hint } = error
  return { ok: false, code, message, ...(hint !== undefined && { hint }) }
}

/**
 * undefined where the child ended before it had written all of it. Both sides are copies of one program: what is
 * whole has the form of what was sent.
 */
export function parseReport(text: string): UnpackReport | undefined {
  try {
    return JSON.parse(text) as UnpackReport
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** @throws BryoError what the child found */
export function expectApplied(report: UnpackReport): AppliedLayer {
  if (!report.ok) throw new BryoError(report.code, report.message, { hint: report.hint })
  const { bytes, files, skippedDevices, ignoredOwners } = report
  return { bytes, files, skippedDevices, ignoredOwners }
}
