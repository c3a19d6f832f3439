import { BryoError } from '../base/errors.ts'
import { watchSpace } from '../storage/space.ts'

/** What an archive may become. */
export interface ExpansionLimit {
  /** More decompressed bytes than this are an error; undefined: a ratio that no honest archive has is one. */
  readonly maxBytes: number | undefined
}

const GIB = 1024 ** 3
/** Below, archives may be of any ratio: files of zeros are not rare. */
const FREE_BYTES = 2 * GIB
const MAX_RATIO = 200

const VARIABLE = 'BRYO_LAYER_LIMIT'
const UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: GIB, t: 1024 ** 4 }

/** @throws BryoError USAGE for a value that is no size */
export function expansionLimit(env: Readonly<Record<string, string | undefined>>): ExpansionLimit {
  const text = env[VARIABLE]
  if (text === undefined || text === '') return { maxBytes: undefined }
  const [, digits, unit] = /^(\d{1,15})([kmgt]?)$/i.exec(text) ?? []
  if (digits === undefined)
    throw new BryoError('USAGE', `invalid ${VARIABLE} "${text}", expected a size such as 50g`)
  return { maxBytes: Number(digits) * (UNITS[unit?.toLowerCase() ?? ''] ?? 1) }
}

/**
 * Watches an archive while it is decompressed into the filesystem of `path`.
 * @returns to be called with the bytes so far. @throws BryoError INVALID_ARCHIVE, NO_SPACE
 */
export function watchExpansion(
  path: string,
  { maxBytes }: ExpansionLimit,
): (inputBytes: number, outputBytes: number) => void {
  const watch = watchSpace(path)
  return (inputBytes, outputBytes) => {
    const limit = maxBytes ?? Math.max(FREE_BYTES, inputBytes * MAX_RATIO)
    if (outputBytes > limit) throw tooLarge(maxBytes)
    watch(outputBytes)
  }
}

function tooLarge(maxBytes: number | undefined): BryoError {
  const found =
    maxBytes === undefined
      ? `it grows to more than ${MAX_RATIO} times its size`
      : `it grows to more than ${maxBytes} bytes`
  return new BryoError(
    'INVALID_ARCHIVE',
    `cannot unpack layer: ${found}, as archives do that are made to fill disks`,
    {
      hint: `if you trust it, allow as much as it needs: ${VARIABLE}=50g`,
    },
  )
}
