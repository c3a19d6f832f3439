import { describe, expect, it } from 'vitest'
import { groupOfPath, placeDirectory } from '../../src/cgroup/place.ts'

describe('groupOfPath()', () => {
  it.each([
    ['/', '/sys/fs/cgroup'],
    ['/supervisor', '/sys/fs/cgroup'],
    ['/a.slice/b.scope', '/sys/fs/cgroup/a.slice/b.scope'],
    ['/a.slice/b.scope/supervisor', '/sys/fs/cgroup/a.slice/b.scope'],
    ['', '/sys/fs/cgroup'],
  ])('knows the group of "%s"', (path, directory) => {
    expect(groupOfPath(path)).toBe(directory)
  })
})

describe('placeDirectory()', () => {
  it('gives each container of a divided group one of its own', () => {
    const place = (name: string) => placeDirectory({ kind: 'split', own: '/g/a.service', name })
    expect([place('bryo-1'), place('bryo-2')]).toEqual(['/g/a.service/bryo-1', '/g/a.service/bryo-2'])
  })
})
