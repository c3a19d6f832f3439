import { readFileSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'

const ZONES = '/usr/share/zoneinfo'

/**
 * This host's rules for a time zone, as /etc/localtime inside; undefined where the image's own is meant. So that no
 * image has to carry them.
 * @param name `Area/City`, or `local` for this host's zone
 * @throws BryoError USAGE
 * @see tzfile(5)
 */
export function timezoneFile(name: string | undefined): Uint8Array | undefined {
  if (name === undefined) return undefined
  if (name !== 'local' && !/^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/.test(name)) throw unknownZone(name)
  try {
    return readFileSync(name === 'local' ? '/etc/localtime' : `${ZONES}/${name}`)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EISDIR')) throw error
    // Without the file, local time is UTC.
    if (name === 'local') return undefined
    throw unknownZone(name)
  }
}

function unknownZone(name: string): BryoError {
  return new BryoError('USAGE', `cannot use time zone "${name}": not found in ${ZONES}, expected Area/City`, {
    hint: 'this host needs the package tzdata; --tz local takes the zone of this host',
  })
}
