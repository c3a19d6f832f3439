import { describe, expect, it } from 'vitest'
import { parseMoment } from '../../src/cli/parse/moment.ts'

const NOW = Date.parse('2026-11-20T12:00:00Z')

describe('parseMoment()', () => {
  it.each([
    ['24h', NOW - 86_400_000],
    ['1h30m', NOW - 5_400_000],
    ['0', 0],
    ['1700000000', 1_700_000_000_000],
    ['1700000000.5', 1_700_000_000_500],
    ['2026-11-03T12:34:56Z', Date.parse('2026-11-03T12:34:56Z')],
    ['2026-11-03T12:34:56.123456789+02:00', Date.parse('2026-11-03T10:34:56.123Z')],
    ['2026-11-03', new Date(2026, 10, 3).getTime()],
    ['2026-11-03 12:30', new Date(2026, 10, 3, 12, 30).getTime()],
  ])('reads %s', (text, moment) => {
    expect(parseMoment(text, NOW)).toBe(moment)
  })

  it.each(['', 'soon', '2026-13-40', '5x', '99999999999999'])('refuses "%s"', (text) => {
    expect(() => parseMoment(text, NOW)).toThrow('is no time')
  })
})
