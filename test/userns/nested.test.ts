import { describe, expect, it } from 'vitest'
import { checkIdMap, formatIdMap, parseIdMapFile } from '../../src/userns/extents.ts'
import { identityMaps, isNested } from '../../src/userns/nested.ts'
import { chooseMapMethod } from '../../src/userns/write.ts'

const PARENT = [
  { containerId: 0, hostId: 1000, size: 1 },
  { containerId: 1, hostId: 100000, size: 10 },
  { containerId: 11, hostId: 500000, size: 10 },
]
const parent = { uid: PARENT, gid: PARENT }

describe('identityMaps()', () => {
  it('has one line for each extent of the parent', () => {
    expect(formatIdMap(identityMaps(parent).uid)).toBe('0 0 1\n1 1 10\n11 11 10\n')
  })
})

describe('isNested()', () => {
  it('is true where ids of the host are not mapped', () => {
    const all = [{ containerId: 0, hostId: 0, size: 4294967295 }]
    expect([isNested(parent), isNested({ uid: all, gid: all })]).toEqual([true, false])
  })
})

describe('parseIdMapFile()', () => {
  it('reads what the kernel prints', () => {
    expect(parseIdMapFile('         0       1000          1\n         1     100000      65536\n')).toEqual([
      { containerId: 0, hostId: 1000, size: 1 },
      { containerId: 1, hostId: 100000, size: 65536 },
    ])
  })
})

describe('checkIdMap()', () => {
  it.each([
    { extents: [], message: 'it is empty' },
    { extents: [{ containerId: 0, hostId: 1, size: 0 }], message: '0 of them' },
    { extents: [{ containerId: 0, hostId: 4294967295, size: 1 }], message: 'host ids from 4294967295' },
  ])('refuses a map: $message', ({ extents, message }) => {
    expect(() => checkIdMap('uid', extents)).toThrow(message)
  })
})

describe('chooseMapMethod()', () => {
  const one = (hostId: number) => [{ containerId: 0, hostId, size: 1 }]
  it.each([
    { maps: { uid: one(1000), gid: one(1001) }, uid: 1000, gid: 1001, method: 'single' },
    { maps: { uid: one(1000), gid: one(7) }, uid: 1000, gid: 1001, method: 'helpers' },
    { maps: { uid: PARENT, gid: PARENT }, uid: 1000, gid: 1001, method: 'helpers' },
    { maps: { uid: one(5), gid: one(5) }, uid: 0, gid: 0, method: 'direct' },
  ])('takes $method for user $uid', ({ maps, uid, gid, method }) => {
    expect(chooseMapMethod(maps, { uid, gid })).toBe(method)
  })
})
