import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type IdMapping, toHostId } from '../../src/base/idmap.ts'
import { usernsModeFromFlags } from '../../src/userns/flags.ts'
import { parseUsernsMode } from '../../src/userns/mode.ts'
import { type IdResources, type MappedMode, planIdMaps } from '../../src/userns/plan.ts'
import type { IdRange } from '../../src/userns/ranges.ts'

const ANA = { uid: 1000, gid: 1001, userName: 'ana', loginGid: 1001 }
const ROOT = { uid: 0, gid: 0, userName: 'root', loginGid: 0 }

function granted(...ranges: readonly IdRange[]): IdResources {
  return { subids: { uid: ranges, gid: ranges, source: 'files', problems: [] } }
}

const ONE = granted({ start: 100000, count: 65536 })
const TWO = granted({ start: 100000, count: 10 }, { start: 500000, count: 20 })
const NONE: IdResources = { subids: { uid: [], gid: [], source: 'files', problems: [], freeStart: 100000 } }

function mode(text: string): MappedMode {
  const parsed = parseUsernsMode(text)
  if (parsed.kind === 'container' || parsed.kind === 'namespace') throw new Error('has no map of its own')
  return parsed
}

function explicit(uidmap: readonly string[], gidmap: readonly string[] = []): MappedMode {
  const parsed = usernsModeFromFlags({ uidmap, gidmap })
  if (parsed.kind === 'container' || parsed.kind === 'namespace') throw new Error('has no map of its own')
  return parsed
}

/** `container:host:size` for each extent. */
function lines(extents: readonly IdMapping[]): string {
  return extents.map((e) => `${e.containerId}:${e.hostId}:${e.size}`).join(' ')
}

describe('planIdMaps()', () => {
  it.each([
    { name: '', with: ONE, uid: '0:1000:1 1:100000:65536', gid: '0:1001:1 1:100000:65536' },
    {
      name: '',
      with: TWO,
      uid: '0:1000:1 1:100000:10 11:500000:20',
      gid: '0:1001:1 1:100000:10 11:500000:20',
    },
    {
      name: 'keep-id',
      with: ONE,
      uid: '0:100000:1000 1000:1000:1 1001:101000:64536',
      gid: '0:100000:1001 1001:1001:1 1002:101001:64535',
    },
    {
      name: 'keep-id:uid=0,gid=5',
      with: ONE,
      uid: '0:1000:1 1:100000:65536',
      gid: '0:100000:5 5:1001:1 6:100005:65531',
    },
    {
      name: 'keep-id:uid=12,gid=12',
      with: TWO,
      uid: '0:100000:10 10:500000:2 12:1000:1 13:500002:18',
      gid: '0:100000:10 10:500000:2 12:1001:1 13:500002:18',
    },
    {
      name: 'keep-id:uid=5000,gid=5000',
      with: TWO,
      uid: '0:100000:10 10:500000:20 5000:1000:1',
      gid: '0:100000:10 10:500000:20 5000:1001:1',
    },
    {
      name: 'keep-id:uid=2,gid=2,size=5',
      with: ONE,
      uid: '0:100000:2 2:1000:1 3:100002:2',
      gid: '0:100000:2 2:1001:1 3:100002:2',
    },
    { name: 'nomap', with: TWO, uid: '0:100000:10 10:500000:20', gid: '0:100000:10 10:500000:20' },
    { name: 'host', with: ONE, uid: '1000:1000:1', gid: '1001:1001:1' },
    { name: 'host', with: NONE, uid: '1000:1000:1', gid: '1001:1001:1' },
    { name: 'auto', with: ONE, uid: '0:100000:1024', gid: '0:100000:1024' },
    { name: 'auto:size=15', with: TWO, uid: '0:500000:15', gid: '0:500000:15' },
    { name: 'auto:size=9', with: TWO, uid: '0:100000:9', gid: '0:100000:9' },
    {
      name: 'auto:size=10,uidmapping=3:0:1,gidmapping=20:1:1',
      with: ONE,
      uid: '0:100000:3 3:1000:1 4:100003:6',
      gid: '0:100001:10 20:100000:1',
    },
  ])('plans "$name" as $uid', ({ name, with: resources, uid, gid }) => {
    const { maps, warning } = planIdMaps(mode(name), ANA, resources)
    expect([lines(maps.uid), lines(maps.gid), warning]).toEqual([uid, gid, undefined])
  })

  it('joins ranges that continue each other', () => {
    const resources = granted({ start: 100000, count: 5 }, { start: 100005, count: 5 })
    expect(lines(planIdMaps(mode('nomap'), ANA, resources).maps.uid)).toBe('0:100000:10')
  })

  it('names the caller as the user of keep-id and host only', () => {
    expect(planIdMaps(mode('keep-id:uid=7'), ANA, ONE).user).toEqual({ uid: 7, gid: 1001 })
    expect(planIdMaps(mode('host'), ANA, ONE).user).toEqual({ uid: 1000, gid: 1001 })
    expect(planIdMaps(mode(''), ANA, ONE).user).toBe(undefined)
  })
})

describe('planIdMaps() for auto', () => {
  it('leaves out what other containers hold', () => {
    const inUse = { uid: [{ start: 100000, count: 1024 }], gid: [{ start: 101000, count: 10 }] }
    const { maps } = planIdMaps(mode('auto'), ANA, { ...ONE, inUse })
    expect([lines(maps.uid), lines(maps.gid)]).toEqual(['0:101024:1024', '0:101010:1024'])
  })

  it('says how many ids are free in a row', () => {
    const inUse = { uid: [{ start: 500005, count: 1 }], gid: [] }
    expect(() => planIdMaps(mode('auto:size=15'), ANA, { ...TWO, inUse })).toThrow(
      'cannot find uids for user namespace mode "auto": 14 free in a row, expected 15',
    )
  })

  it('never gives an id out twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 40 }), (sizes) => {
        const taken: IdRange[] = []
        for (const size of sizes) {
          const resources = {
            ...granted({ start: 1000000, count: 20000 }),
            inUse: { uid: taken, gid: taken },
          }
          const { maps } = planIdMaps(mode(`auto:size=${size}`), ANA, resources)
          taken.push(...maps.uid.map((e) => ({ start: e.hostId, count: e.size })))
        }
        const ids = taken.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i))
        expect(new Set(ids).size).toBe(ids.length)
      }),
      { numRuns: 30 },
    )
  })
})

describe('planIdMaps() without subordinate ids', () => {
  it('maps the caller alone and says what is missing and which line to add', () => {
    const { maps, warning } = planIdMaps(mode(''), ANA, NONE)
    expect([lines(maps.uid), lines(maps.gid)]).toEqual(['0:1000:1', '0:1001:1'])
    expect(warning).toEqual({
      message:
        'only your own user and group id are mapped: /etc/subuid and /etc/subgid have no entry for "ana"',
      hint: 'as root: echo ana:100000:65536 | tee -a /etc/subuid /etc/subgid',
    })
  })

  it('keeps the id with keep-id', () => {
    const { maps, user, warning } = planIdMaps(mode('keep-id'), ANA, NONE)
    expect([lines(maps.uid), lines(maps.gid)]).toEqual(['1000:1000:1', '1001:1001:1'])
    expect(user).toEqual({ uid: 1000, gid: 1001 })
    expect(warning?.hint).toContain('ana:100000:65536')
  })

  it.each(['nomap', 'auto'])('refuses %s, which needs them', (name) => {
    expect(() => planIdMaps(mode(name), ANA, NONE)).toThrow(
      `cannot use user namespace mode "${name}": /etc/subuid and /etc/subgid have no entry for "ana"`,
    )
  })

  it('still maps the caller where --uidmap asks for it', () => {
    const { maps } = planIdMaps(explicit(['7:0:1']), ANA, NONE)
    expect([lines(maps.uid), lines(maps.gid)]).toEqual(['7:1000:1', '7:1001:1'])
  })
})

describe('planIdMaps() for --uidmap and --gidmap', () => {
  it.each([
    { requests: ['0:0:1'], uid: '0:1000:1' },
    { requests: ['0:1:10', '500:0:1'], uid: '0:100000:10 500:1000:1' },
    { requests: ['0:5:10'], uid: '0:100004:6 6:500000:4' },
    { requests: ['0:@100003:2'], uid: '0:100003:2' },
    { requests: ['0:@1000:1'], uid: '0:1000:1' },
    { requests: ['+500:@1000:1'], uid: '1:100000:10 11:500000:20 500:1000:1' },
    { requests: ['+2:0:1'], uid: '1:100000:1 2:1000:1 3:100002:8 11:500000:20' },
  ])('maps $requests as $uid', ({ requests, uid }) => {
    expect(lines(planIdMaps(explicit(requests), { ...ANA, gid: 1000 }, TWO).maps.uid)).toBe(uid)
  })

  it('keeps the default group map where a request is for user ids only', () => {
    const { maps } = planIdMaps(explicit(['+u500:@1000:1']), ANA, TWO)
    expect(lines(maps.gid)).toBe('0:1001:1 1:100000:10 11:500000:20')
  })

  it.each([
    { requests: ['0:31:1'], message: 'cannot map uids 31 to 31' },
    { requests: ['0:0:32'], message: 'not granted to you, expected ids within 0 to 30' },
    { requests: ['0:@0:1'], message: 'cannot map host uids 0 to 0' },
    { requests: ['0:@100005:8'], message: 'cannot map host uids 100005 to 100012' },
    { requests: ['0:1:2', '1:5:2'], message: 'container id 1 is mapped twice' },
    { requests: ['0:1:2', '5:2:2'], message: 'host id 100001 is mapped twice' },
  ])('refuses $requests', ({ requests, message }) => {
    expect(() => planIdMaps(explicit(requests), ANA, TWO)).toThrow(message)
  })

  it('takes what fits in 340 lines and one page, and refuses more', () => {
    const every = (count: number) =>
      explicit(Array.from({ length: count }, (_, i) => `${2 * i}:${2 * i + 1}:1`))
    const low = granted({ start: 100000, count: 65536 })
    expect(planIdMaps(every(250), ANA, low).maps.uid.length).toBe(250)
    expect(() => planIdMaps(every(340), ANA, low)).toThrow('bytes of text, expected at most 4095')
    expect(() => planIdMaps(every(341), ANA, low)).toThrow('341 lines, expected at most 340')
  })
})

describe('planIdMaps() as root', () => {
  it.each(['', 'nomap'])('maps the subordinate ids of root from 0 on with "%s"', (name) => {
    expect(lines(planIdMaps(mode(name), ROOT, ONE).maps.uid)).toBe('0:100000:65536')
  })

  it('counts --uidmap from the first subordinate id', () => {
    expect(lines(planIdMaps(explicit(['5:0:2']), ROOT, ONE).maps.uid)).toBe('5:100000:2')
  })

  it.each(['', 'nomap', 'auto'])('fails with "%s" where root has no range, with the line to add', (name) => {
    expect(() => planIdMaps(mode(name), ROOT, NONE)).toThrow('the root of this host is never mapped')
  })

  it.each(['host', 'keep-id'])('refuses %s', (name) => {
    expect(() => planIdMaps(mode(name), ROOT, ONE)).toThrow('it would map the root of this host')
  })

  it('refuses a range that has id 0', () => {
    expect(() => planIdMaps(mode(''), ROOT, granted({ start: 0, count: 10 }))).toThrow(
      'cannot use uid map: it has the root of this host',
    )
  })

  it('never maps the root of the host, whatever is asked for', () => {
    const request = fc
      .tuple(fc.boolean(), fc.nat(200), fc.boolean(), fc.nat(100100), fc.integer({ min: 1, max: 50 }))
      .map(([plus, c, at, from, size]) => `${plus ? '+' : ''}${c}:${at ? '@' : ''}${from}:${size}`)
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), (requests) => {
        try {
          const { maps } = planIdMaps(explicit(requests), ROOT, ONE)
          const hosts = maps.uid.map((e) => e.hostId)
          expect(Math.min(...hosts)).toBeGreaterThanOrEqual(100000)
          for (const e of maps.uid) expect(toHostId(maps.uid, e.containerId)).toBe(e.hostId)
        } catch (error) {
          expect(error).toHaveProperty('name', 'BryoError')
        }
      }),
    )
  })
})
