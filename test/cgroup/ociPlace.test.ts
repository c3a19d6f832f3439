import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { processesInGroup, removeGroup } from '../../src/cgroup/group.ts'
import { enterOciPlace, groupNames, ociPlaceDirectory, scopeNamed } from '../../src/cgroup/ociPlace.ts'

describe('scopeNamed()', () => {
  it('reads SLICE:PREFIX:NAME', () => {
    expect(scopeNamed('user.slice:libpod:abc', 'x')).toEqual({
      slice: 'user.slice',
      unit: 'libpod-abc.scope',
    })
    expect(scopeNamed(':libpod:abc', 'x')).toEqual({ slice: undefined, unit: 'libpod-abc.scope' })
    expect(scopeNamed('::abc', 'x').unit).toBe('abc.scope')
    expect(scopeNamed(undefined, 'x')).toEqual({ slice: undefined, unit: 'bryo-oci-x.scope' })
  })

  it('escapes what a unit may not be named', () => {
    expect(scopeNamed(undefined, 'a+b').unit).toBe('bryo-oci-a\\x2bb.scope')
  })

  it.each(['/a/b', 'a', 'user.slice:b', 'a:b:c', 'user.slice:b:', 'user.slice:b:c:d', 'user.slice:b:../c'])(
    'refuses %s',
    (path) => {
      expect(() => scopeNamed(path, 'x')).toThrow('expected SLICE:PREFIX:NAME')
    },
  )
})

describe('groupNames()', () => {
  it('takes a path apart', () => {
    expect(groupNames('/a//b/./c', 'x')).toEqual(['a', 'b', 'c'])
    expect(groupNames('', 'x')).toEqual(['bryo-oci-x'])
    expect(groupNames(undefined, 'x')).toEqual(['bryo-oci-x'])
  })

  it.each(['/', '..', '/a/../../b'])('refuses %s', (path) => {
    expect(() => groupNames(path, 'x')).toThrow('expected a path without ..')
  })
})

describe('enterOciPlace() of a nested group', () => {
  const base = mkdtempSync(join(tmpdir(), 'bryo-group-'))
  afterAll(() => rmSync(base, { recursive: true }))

  it('makes what is above it, hands controllers down, and moves the process in', () => {
    writeFileSync(join(base, 'cgroup.controllers'), 'memory pids\n')
    writeFileSync(join(base, 'cgroup.subtree_control'), 'pids\n')
    // What the kernel would put into a new group.
    mkdirSync(join(base, 'engine/box'), { recursive: true })
    writeFileSync(join(base, 'engine/box/cgroup.controllers'), 'memory pids\n')
    const place = { kind: 'nested', base, names: ['engine', 'box'], isOwn: false } as const
    const settings = [
      { file: 'memory.max', value: '4096', controller: 'memory', option: 'memory' },
      { file: 'io.max', value: '8:0 rbps=1', controller: 'io', option: undefined },
    ]
    const directory = enterOciPlace(place, 4711, settings)
    expect(directory).toBe(join(base, 'engine/box'))
    expect(ociPlaceDirectory(place)).toBe(directory)
    expect(readFileSync(join(base, 'cgroup.subtree_control'), 'utf8')).toBe('+memory')
    expect(readFileSync(join(directory, 'memory.max'), 'utf8')).toBe('4096')
    expect(existsSync(join(directory, 'io.max'))).toBe(false)
    expect(processesInGroup(base)).toEqual([4711])
  })

  it('leaves a base in which the caller is, for the sake of a limit', () => {
    const own = join(base, 'own')
    mkdirSync(join(own, 'box'), { recursive: true })
    mkdirSync(join(own, 'supervisor'))
    writeFileSync(join(own, 'cgroup.procs'), '8\n9\n')
    writeFileSync(join(own, 'cgroup.controllers'), 'memory\n')
    writeFileSync(join(own, 'box/cgroup.controllers'), 'memory\n')
    const place = { kind: 'nested', base: own, names: ['box'], isOwn: true } as const
    const setting = { file: 'memory.max', value: '1', controller: 'memory', option: 'memory' }
    enterOciPlace(place, 8, [setting])
    expect(readFileSync(join(own, 'supervisor/cgroup.procs'), 'utf8')).toBe('9')
    expect(readFileSync(join(own, 'box/memory.max'), 'utf8')).toBe('1')
  })

  it('refuses a limit whose controller nobody handed down', () => {
    const place = { kind: 'nested', base, names: ['engine', 'poor'], isOwn: false } as const
    const setting = { file: 'cpu.max', value: '1 2', controller: 'cpu', option: 'linux.resources.cpu.quota' }
    expect(() => enterOciPlace(place, 1, [setting])).toThrow(
      'cannot set linux.resources.cpu.quota: the cgroup controller "cpu" is not delegated to you',
    )
  })

  it('has no processes where it is gone, and may be removed twice', () => {
    mkdirSync(join(base, 'empty/below'), { recursive: true })
    removeGroup(join(base, 'empty'))
    removeGroup(join(base, 'empty'))
    expect(existsSync(join(base, 'empty'))).toBe(false)
    expect(processesInGroup(join(base, 'empty'))).toEqual([])
  })
})
