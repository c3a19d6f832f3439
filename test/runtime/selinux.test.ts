import { describe, expect, it } from 'vitest'
import { parseContexts, type SelinuxSettings, selinuxLabels } from '../../src/runtime/selinux.ts'

const CONTEXTS = parseContexts(`
process = "system_u:system_r:container_t:s0"
content = "system_u:object_r:virt_var_lib_t:s0"
file = "system_u:object_r:container_file_t:s0"
ro_file="system_u:object_r:container_ro_file_t:s0"
`)

const labels = (parts: Extract<SelinuxSettings, { kind: 'labelled' }>['parts'], seed = '0'.repeat(64)) =>
  selinuxLabels({ kind: 'labelled', nested: false, parts }, CONTEXTS, seed)

describe('selinuxLabels()', () => {
  it('has none where nothing is asked, and with label=disable', () => {
    expect(labels({})).toBeUndefined()
    expect(selinuxLabels({ kind: 'disabled' }, CONTEXTS, '')).toBeUndefined()
  })

  it.each([
    [{ type: 'spc_t', level: 's0' }, 'system_u:system_r:spc_t:s0', 'system_u:object_r:container_file_t:s0'],
    [
      { level: 's0:c100,c200' },
      'system_u:system_r:container_t:s0:c100,c200',
      'system_u:object_r:container_file_t:s0:c100,c200',
    ],
    [
      { user: 'staff_u', role: 'staff_r', filetype: 'container_ro_file_t', level: 's0-s0:c0.c3' },
      'staff_u:staff_r:container_t:s0-s0:c0.c3',
      'staff_u:object_r:container_ro_file_t:s0-s0:c0.c3',
    ],
  ])('puts the parts %j into the contexts of the policy', (parts, process, mount) => {
    expect(labels(parts)).toEqual({ process, mount })
  })

  it('gives each container two categories of its own, the same at each call', () => {
    const level = (seed: string) =>
      labels({ type: 'container_t' }, seed)?.process.split(':').slice(3).join(':')
    expect(level('00000000')).toBe('s0:c0,c1')
    expect(level('03ff0000')).toBe('s0:c0,c1023')
    expect(level('00050005')).toBe('s0:c5,c6')
    expect(level('ffffffff')).toBe(level('ffffffff'))
  })

  it('has the names of the common policy where the host has no file of contexts', () => {
    expect(parseContexts('')).toEqual({
      process: 'system_u:system_r:container_t:s0',
      mount: 'system_u:object_r:container_file_t:s0',
    })
  })
})
