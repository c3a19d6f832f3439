import { describe, expect, it } from 'vitest'
import { findPasswdEntry } from '../../src/userns/identity.ts'
import { describeMissingSubids } from '../../src/userns/missing.ts'
import { findFreeRange, ownRanges, parseSubidFile } from '../../src/userns/subid-file.ts'
import { parseGetsubids, subordinateIdsIn, usesOtherSubidService } from '../../src/userns/subids.ts'

describe('ownRanges()', () => {
  it('takes several ranges by name and by user id, in the order of the file', () => {
    const text = 'ana:100000:65536\nbob:200000:65536\n1000:300000:10\nana:400000:5\n'
    expect(ownRanges(text, ['ana', '1000']).ranges).toEqual([
      { start: 100000, count: 65536 },
      { start: 300000, count: 10 },
      { start: 400000, count: 5 },
    ])
  })

  it('takes a last line without a line feed', () => {
    expect(ownRanges('bob:1:2\nana:7:3', ['ana']).ranges).toEqual([{ start: 7, count: 3 }])
  })

  it('does not take a user whose name ends or starts with the same letters', () => {
    expect(ownRanges('joana:1:2\nanan:3:4\nx:ana:5\n', ['ana']).ranges).toEqual([])
  })

  it.each([
    'ana:100000',
    'ana:100000:65536:1',
    'ana:x:65536',
    'ana:100000:0',
    'ana:-1:5',
    'ana: 100000:65536',
    'ana:4294967295:1',
    'ana:4294967294:2',
    'ana::65536',
    'ana:99999999999:1',
  ])('skips the malformed line %j and reports it', (line) => {
    const { ranges, malformed } = ownRanges(`bob:1:1\n${line}\nana:5:6\n`, ['ana'])
    expect(ranges).toEqual([{ start: 5, count: 6 }])
    expect(malformed).toEqual([{ line: 2, text: line }])
  })
})

describe('parseSubidFile()', () => {
  it('gives entries and malformed lines, but not comments and empty lines', () => {
    const { entries, malformed } = parseSubidFile('# subordinate ids\n\nana:100000:65536\nnonsense\n')
    expect(entries).toEqual([{ owner: 'ana', start: 100000, count: 65536 }])
    expect(malformed).toEqual([{ line: 4, text: 'nonsense' }])
  })
})

describe('findFreeRange()', () => {
  it.each([
    { entries: [], free: 100000 },
    { entries: [{ start: 100000, count: 65536 }], free: 165536 },
    {
      entries: [
        { start: 200000, count: 65536 },
        { start: 100000, count: 65536 },
      ],
      free: 265536,
    },
    { entries: [{ start: 165536, count: 65536 }], free: 100000 },
    { entries: [{ start: 100000, count: 4294867295 }], free: undefined },
  ])('finds $free', ({ entries, free }) => {
    expect(findFreeRange(entries, 65536)).toBe(free)
  })
})

describe('subordinateIdsIn()', () => {
  it('counts an id once that is granted by name and by number', () => {
    const text = 'ana:100000:10\n1000:100005:10\n'
    const ids = subordinateIdsIn({ uid: text, gid: text }, ['ana', '1000'])
    expect(ids.uid).toEqual([
      { start: 100000, count: 10 },
      { start: 100010, count: 5 },
    ])
  })

  it('proposes a start that is free in both files where one has no entry', () => {
    const ids = subordinateIdsIn({ uid: 'ana:100000:65536\n', gid: 'bob:165536:65536\n' }, ['ana', '1000'])
    expect(ids.freeStart).toBe(231072)
    expect(describeMissingSubids({ userName: 'ana' }, ids)).toEqual({
      found: '/etc/subgid has no entry for "ana"',
      hint: 'as root: echo ana:231072:65536 | tee -a /etc/subgid',
    })
  })

  it('names the malformed lines of the user', () => {
    const ids = subordinateIdsIn({ uid: 'ana:x:1\n', gid: '' }, ['ana'])
    expect(ids.problems).toEqual(['/etc/subuid line 1: "ana:x:1"'])
  })
})

describe('the subid service', () => {
  it.each([
    { nsswitch: 'passwd: files\n', other: false },
    { nsswitch: 'subid: files\n', other: false },
    { nsswitch: 'passwd: files sss\nsubid:   sss\n', other: true },
    { nsswitch: '#subid: sss\n', other: false },
    { nsswitch: 'subid: # nothing\n', other: false },
  ])('of $nsswitch is another than files: $other', ({ nsswitch, other }) => {
    expect(usesOtherSubidService(nsswitch)).toBe(other)
  })

  it('has its ranges read from the output of getsubids', () => {
    expect(parseGetsubids('0: ana 100000 65536\n1: ana 300000 5\nError fetching ranges\n')).toEqual([
      { start: 100000, count: 65536 },
      { start: 300000, count: 5 },
    ])
  })

  it('is what the hint speaks of where it grants nothing', () => {
    const missing = describeMissingSubids(
      { userName: 'ana' },
      { uid: [], gid: [], source: 'nss', problems: [] },
    )
    expect(missing?.hint).toContain('getsubids ana')
  })
})

describe('findPasswdEntry()', () => {
  const text =
    'root:x:0:0:root:/root:/bin/sh\nana:x:1000:1001:Ana,:/home/ana:/bin/sh\nold:x:10000:7::/:/bin/sh\n'
  it.each([
    { uid: 0, entry: { name: 'root', gid: 0 } },
    { uid: 1000, entry: { name: 'ana', gid: 1001 } },
    { uid: 1001, entry: undefined },
    { uid: 100, entry: undefined },
  ])('finds the entry of $uid', ({ uid, entry }) => {
    expect(findPasswdEntry(text, uid)).toEqual(entry)
  })
})
