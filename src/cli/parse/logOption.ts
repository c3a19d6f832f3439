import { absoluteHostPath } from './path.ts'

const KNOWN = ['path', 'max-size', 'max-file', 'tag', 'labels', 'env']
const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i
const POWERS = 'kmgtp'

/**
 * `--log-opt key=value` as the engine takes it: the path absolute, the size in bytes. Units are powers of 1000 here, as Podman and Docker
 * have it.
 */
export function parseLogOption(text: string, cwd: string): string {
  const equals = text.indexOf('=')
  const key = equals === -1 ? text : text.slice(0, equals)
  const value = equals === -1 ? '' : text.slice(equals + 1)
  if (!KNOWN.includes(key) || value === '')
    throw new Error(`expected key=value with one of ${KNOWN.join(', ')}`)
  if (key === 'path') return `path=${absoluteHostPath(value, cwd)}`
  if (key === 'max-size') return `max-size=${parseLogSize(value)}`
  if (key === 'max-file' && !/^[1-9]\d{0,3}$/.test(value))
    throw new Error('expected a number of files from 1 on')
  return text
}

/** Bytes; -1 for no limit. */
function parseLogSize(text: string): number {
  if (text === '-1') return -1
  const [, digits, unit = ''] = SIZE.exec(text) ?? []
  const bytes = Math.floor(
    Number(digits) * 1000 ** (unit === '' ? 0 : 1 + POWERS.indexOf(unit.toLowerCase())),
  )
  if (digits === undefined || !Number.isSafeInteger(bytes) || bytes < 1) {
    throw new Error('expected a size such as 10m or 500k, or -1 for no limit')
  }
  return bytes
}
