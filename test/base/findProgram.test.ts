import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findProgram } from '../../src/base/findProgram.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-program-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('findProgram()', () => {
  it('looks into /usr/bin before the search path', () => {
    writeFileSync(join(directory, 'env'), '', { mode: 0o755 })
    expect(findProgram('env', directory)).toBe('/usr/bin/env')
  })

  it('takes a file that can be executed, from an absolute directory', () => {
    const [data, folder, good] = ['data', 'folder', 'good'].map((name) => join(directory, name))
    for (const path of [data, folder, good]) mkdirSync(path ?? '')
    writeFileSync(join(directory, 'data/bryo-tool'), '', { mode: 0o644 })
    mkdirSync(join(directory, 'folder/bryo-tool'))
    writeFileSync(join(directory, 'good/bryo-tool'), '', { mode: 0o755 })
    const path = [join(directory, 'none'), data, folder].join(':')
    expect(findProgram('bryo-tool', path)).toBeUndefined()
    expect(findProgram('bryo-tool', relative(process.cwd(), good ?? ''))).toBeUndefined()
    expect(findProgram('bryo-tool', `${path}:${good}`)).toBe(`${good}/bryo-tool`)
  })

  it('has no search path where none is set', () => {
    expect(findProgram('bryo-tool', undefined)).toBeUndefined()
  })
})
