import { BryoError } from '../../base/errors.ts'

/** An archive that is damaged or hostile; `found` says how. */
export function invalidArchive(found: string): BryoError {
  return new BryoError('INVALID_ARCHIVE', `cannot read tar archive: ${found}`)
}

/** A raw name as it may be shown: control characters escaped, at most 200 characters, in quotes. */
export function quoteName(name: Uint8Array): string {
  const text = Buffer.from(name.subarray(0, 600)).toString('utf8')
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text)
}
