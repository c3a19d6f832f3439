import { describe, expect, it } from 'vitest'
import { parseMoment } from '../../src/cli/parse/moment.ts'

const NOW = Date.UTC(2026, 0, 1)

describe('parseMoment()', () => {
  it.each([
    ['0', 0],
    ['1600000000', 1_600_000_000_000],
    ['1.5', 1500],
    ['10m', NOW - 600_000],
    ['1h30m', NOW - 5_400_000],
    ['2026-05-01T12:00:00Z', Date.UTC(2026, 4, 1, 12)],
    ['2026-05-01 12:00:00+02:00', Date.UTC(2026, 4, 1, 10)],
    ['2026-05-01T12:00:00.123Z', Date.UTC(2026, 4, 1, 12, 0, 0, 123)],
    ['2026-05-01T12:00', new Date(2026, 4, 1, 12).getTime()],
    ['2026-05-01', new Date(2026, 4, 1).getTime()],
  ])('%s', (text, ms) => {
    expect(parseMoment(text, NOW)).toBe(ms)
  })

  it.each(['', 'x', '2026-13-40', 'yesterday', '5 m', '10 m'])('refuses "%s"', (text) => {
    expect(() => parseMoment(text, NOW)).toThrow('is no time')
  })
})
