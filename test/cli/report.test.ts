import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { errorLines, printable } from '../../src/cli/report.ts'

const plain = { label: 'Error:', debug: false }

describe('errorLines()', () => {
  it('puts the hint on a line of its own', () => {
    const error = new BryoError('IN_USE', 'cannot remove image "a": it is used', { hint: 'use --force' })
    expect(errorLines(error, plain)).toEqual(['Error: cannot remove image "a": it is used', 'use --force'])
    expect(errorLines(new BryoError('IN_USE', 'x'), plain)).toEqual(['Error: x'])
  })

  it('owns up to a fault of its own', () => {
    expect(errorLines(new TypeError('x is undefined'), plain)).toEqual([
      'Error: x is undefined',
      'this is a fault of bryo itself; BRYO_DEBUG=1 shows where it happened',
    ])
    expect(errorLines('text', plain)[0]).toBe('Error: text')
  })

  it('takes no blame for a full or failing disk behind the output', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    expect(errorLines(full, plain)).toEqual(['Error: ENOSPC: no space left on device, write'])
  })

  it('shows the causes where debugging was asked for', () => {
    const error = new BryoError('STORAGE', 'outer', { cause: new Error('inner') })
    const lines = errorLines(error, { label: 'Error:', debug: true })
    expect(lines[0]).toBe('Error: outer')
    expect(lines[1]).toContain('at ')
    expect(lines[2]).toContain('caused by Error: inner\n')
  })

  it('ends with causes that go in a circle', () => {
    const error: Error & { cause?: unknown } = new Error('loop')
    error.cause = error
    expect(errorLines(error, { label: 'Error:', debug: true }).length).toBeLessThan(20)
  })
})

describe('printable()', () => {
  it('shows control characters, but for line breaks and tabs', () => {
    expect(printable('a\u001b[2J\r\u009b\tb\nc')).toBe('a\\x1b[2J\\x0d\\x9b\tb\nc')
  })
})
