import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkIdMap,
  composeExtent,
  formatIdMap,
  mapRanges,
  mergeExtents,
  parseIdMapFile,
} from '../../src/userns/extents.ts'
import { parseIdMapRequest } from '../../src/userns/map-request.ts'
import { parseUsernsMode } from '../../src/userns/mode.ts'
import { isRange, LAST_ID, subtractRanges, totalIds } from '../../src/userns/ranges.ts'
import { findFreeRange, ownRanges, parseSubidFile } from '../../src/userns/subid-file.ts'
import { parseGetsubids, subordinateIdsIn, usesOtherSubidService } from '../../src/userns/subids.ts'
import { anyText, attempt, FUZZ, textOf } from '../support/fuzz.ts'

const SUBID = [
  'ana',
  '1000',
  'root',
  ':',
  '100000',
  '65536',
  '0',
  '-1',
  '4294967295',
  '4294967296',
  '9'.repeat(30),
  '\n',
  '#',
  ' ',
]
const subids = fc.oneof(anyText(), textOf(SUBID))
const id = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.constantFrom(LAST_ID - 1, LAST_ID, LAST_ID + 1, -1, 0.5, 2 ** 53),
)
const range = fc.record({ start: id, count: id })
const extent = fc.record({ containerId: id, hostId: id, size: id })

describe('subordinate ids', () => {
  it('are read whatever the files hold, and are ids', () => {
    fc.assert(
      fc.property(subids, (text) => {
        for (const entry of parseSubidFile(text).entries) {
          expect(isRange(entry)).toBe(true)
          expect(ownRanges(text, [entry.owner]).ranges).toContainEqual({
            start: entry.start,
            count: entry.count,
          })
        }
        const found = subordinateIdsIn({ uid: text, gid: text }, ['ana', '1000'])
        expect(found.uid.every(isRange)).toBe(true)
        expect(found.uid).toEqual(found.gid)
      }),
      FUZZ,
    )
  })

  it('read as they were written', () => {
    const line = fc.record({
      owner: fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/),
      start: fc.integer({ min: 1, max: 2 ** 31 }),
      count: fc.integer({ min: 1, max: 2 ** 20 }),
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (entries) => {
        const text = entries.map(({ owner, start, count }) => `${owner}:${start}:${count}\n`).join('')
        expect(parseSubidFile(text)).toEqual({ entries, malformed: [] })
        const free = findFreeRange(entries, 65_536)
        if (free === undefined) return
        for (const { start, count } of entries)
          expect(free >= start + count || free + 65_536 <= start).toBe(true)
      }),
      FUZZ,
    )
  })

  it('of other services are read whatever they say', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText(), textOf(['0: ', 'ana ', '100000 ', '65536', '\n', 'subid:', ' files', ' sss'])),
        (text) => {
          expect(parseGetsubids(text).every(isRange)).toBe(true)
          expect(typeof usesOtherSubidService(text)).toBe('boolean')
        },
      ),
      FUZZ,
    )
  })
})

describe('id maps', () => {
  it('that are taken have only ids, each once', () => {
    fc.assert(
      fc.property(fc.array(extent, { maxLength: 6 }), (extents) => {
        const map = attempt(() => checkIdMap('uid', extents))
        if (!map) return
        for (const { containerId, hostId, size } of map) {
          expect(size >= 1 && containerId >= 0 && hostId >= 0).toBe(true)
          expect(Math.max(containerId, hostId) + size - 1).toBeLessThanOrEqual(LAST_ID)
        }
        expect(parseIdMapFile(formatIdMap(map))).toEqual(map)
        const merged = mergeExtents(map)
        expect(merged.reduce((sum, { size }) => sum + size, 0)).toBe(
          map.reduce((sum, { size }) => sum + size, 0),
        )
      }),
      FUZZ,
    )
  })

  it('are composed or refused', () => {
    fc.assert(
      fc.property(fc.array(extent, { maxLength: 4 }), id, id, id, (outer, containerId, from, size) => {
        const found = attempt(() => composeExtent(outer, { containerId, from, size }))
        if (found) expect(found.reduce((sum, one) => sum + one.size, 0)).toBe(size)
      }),
      FUZZ,
    )
  })

  it('of ranges have as many ids as these', () => {
    const valid = fc.array(fc.record({ start: fc.nat(100_000), count: fc.integer({ min: 1, max: 1000 }) }), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(valid, (ranges) => {
        expect(mapRanges(1, ranges).reduce((sum, { size }) => sum + size, 0)).toBe(totalIds(ranges))
      }),
      FUZZ,
    )
  })

  it('leave nothing of what is taken away', () => {
    fc.assert(
      fc.property(range, fc.array(range, { maxLength: 5 }), (whole, taken) => {
        if (!isRange(whole) || !taken.every(isRange)) return
        for (const left of subtractRanges(whole, taken)) {
          expect(left.start >= whole.start && left.start + left.count <= whole.start + whole.count).toBe(true)
          for (const { start, count } of taken)
            expect(left.start >= start + count || left.start + left.count <= start).toBe(true)
        }
      }),
      FUZZ,
    )
  })

  it('of files are read whatever these hold', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), textOf(['0', ' ', '1000', '\n', '\t', '-1', '4294967295'])), (text) => {
        for (const { size } of parseIdMapFile(text)) expect(size).toBeGreaterThanOrEqual(0)
      }),
      FUZZ,
    )
  })
})

describe('options', () => {
  it('of user namespaces are taken or refused', () => {
    const words = [
      'keep-id',
      'auto',
      'nomap',
      'host',
      'container',
      'ns',
      ':',
      ',',
      '=',
      'uid',
      'gid',
      'size',
      '1000',
      '-1',
      '4294967295',
      '@',
      '+',
      'u',
      'g',
      '0:1:2',
      '/',
    ]
    fc.assert(
      fc.property(fc.oneof(anyText(60), textOf(words, 9)), (text) => {
        attempt(() => parseUsernsMode(text))
        attempt(() => parseIdMapRequest(text, '--uidmap'))
      }),
      FUZZ,
    )
  })
})
