import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { applySettings, freezeGroup, killGroup } from '../../src/cgroup/group.ts'

const directory = mkdtempSync(join(tmpdir(), 'bryo-group-'))
afterAll(() => rmSync(directory, { recursive: true }))

const MEMORY = { file: 'memory.max', value: '4096', controller: 'memory', option: '--memory' }
const RATE = { file: 'io.max', value: '8:0 rbps=1', controller: 'io', option: '--device-read-bps' }

describe('applySettings()', () => {
  it('sets nothing where a controller that is needed is missing', () => {
    writeFileSync(join(directory, 'cgroup.controllers'), 'memory pids\n')
    expect(() => applySettings(directory, [MEMORY, RATE])).toThrow(
      'cannot set --device-read-bps: the cgroup controller "io" is not delegated to you',
    )
    expect(existsSync(join(directory, 'memory.max'))).toBe(false)
  })

  it('leaves out what was not asked for', () => {
    applySettings(directory, [{ ...RATE, option: undefined }, MEMORY])
    expect(readFileSync(join(directory, 'memory.max'), 'utf8')).toBe('4096')
    expect(existsSync(join(directory, 'io.max'))).toBe(false)
  })
})

describe('a group that is gone', () => {
  const gone = join(directory, 'gone')

  it('is neither stopped nor killed', () => {
    expect([freezeGroup(gone, true), freezeGroup(gone, false), killGroup(gone)]).toEqual([
      false,
      false,
      false,
    ])
  })
})
