import { describe, expect, it } from 'vitest'
import { DESCRIPTORS, duration, findDescriptor } from '../../src/engine/container/processes/descriptors.ts'
import { containerProcesses } from '../../src/engine/container/processes/find.ts'
import { parseStat, readStat } from '../../src/engine/container/processes/process.ts'
import { ownCgroup, parseIoStat } from '../../src/engine/container/stats/cgroup.ts'
import { parseNetworkDevices } from '../../src/engine/container/stats/network.ts'
import { cpuPercent, type StatsSample } from '../../src/engine/container/stats/stats.ts'
import { parseDescriptors } from '../../src/engine/container/top.ts'

const FIELDS = 'S 7 12 12 34816 12 4194304 97 0 0 0 150 50 6 4 20 -5 3 0 98765 2322432 345'

describe('parseStat()', () => {
  it('reads the fields of the manual', () => {
    expect(parseStat(12, `12 (sleep) ${FIELDS} 18446744073709551615`)).toEqual({
      hostPid: 12,
      comm: 'sleep',
      state: 'S',
      hostParent: 7,
      terminal: 34816,
      userTicks: 150,
      systemTicks: 50,
      childTicks: 10,
      nice: -5,
      threads: 3,
      startTicks: 98765,
      virtualBytes: 2322432,
    })
  })

  it.each(['a) R 1 (b', ')', '((', 'a b'])('takes the name %j as it is', (name) => {
    expect(parseStat(1, `1 (${name}) ${FIELDS}`)).toMatchObject({ comm: name, state: 'S', hostParent: 7 })
  })

  it.each(['', '12 sleep S', '12 )('])('knows nothing of %j', (text) => {
    expect(parseStat(12, text)).toBeUndefined()
  })
})

describe('readStat()', () => {
  it('finds this process, and none that cannot be', () => {
    expect(readStat(process.pid)).toMatchObject({ hostPid: process.pid, hostParent: process.ppid })
    expect(readStat(0x7fffffff)).toBeUndefined()
  })
})

describe('containerProcesses()', () => {
  const one = (hostPid: number, hostParent: number, namespace: string, mounts = 'own') => {
    const stat = parseStat(hostPid, `${hostPid} (x) S ${hostParent} 0`)
    if (!stat) throw new Error('not read')
    return { stat, namespace, mounts: () => mounts }
  }
  const pids = (init: number, snapshot: ReturnType<typeof one>[]) =>
    containerProcesses(init, snapshot).map(({ hostPid }) => hostPid)

  it('takes those of the namespace, wherever they come from, the first one first', () => {
    expect(pids(50, [one(10, 1, 'host'), one(40, 10, 'c'), one(50, 10, 'c'), one(60, 50, 'c')])).toEqual([
      50, 40, 60,
    ])
  })

  it('takes those of namespaces inside, also where a parent has a higher pid', () => {
    expect(
      pids(50, [one(5, 70, 'inner'), one(50, 10, 'c'), one(70, 50, 'inner'), one(80, 10, 'other')]),
    ).toEqual([50, 5, 70])
  })

  it('takes no others of the host where the container has its pid namespace', () => {
    const own = one(process.pid, 1, 'host', 'host')
    const others = [one(10, 1, 'host', 'host'), one(70, 1, 'host', 'other')]
    const members = [one(50, 10, 'host'), one(60, 50, 'host', 'inner'), one(80, 1, 'host')]
    expect(pids(50, [own, ...others, ...members])).toEqual([50, 60, 80])
  })

  it('finds none of a container that has ended', () => {
    expect(pids(50, [one(10, 1, 'host')])).toEqual([])
  })
})

describe('descriptors', () => {
  it('are found by name and by code', () => {
    expect(findDescriptor('pid')).toBe(findDescriptor('%p'))
    expect(findDescriptor('PID')).toBeUndefined()
    expect(new Set(DESCRIPTORS.map(({ name }) => name)).size).toBe(DESCRIPTORS.length)
  })

  it('may be joined by commas, and all must be known', () => {
    expect(parseDescriptors(['pid,user', '%a'])?.map(({ name }) => name)).toEqual(['pid', 'user', 'args'])
    expect(parseDescriptors([])).toHaveLength(8)
    expect(parseDescriptors(['pid', '-ef'])).toBeUndefined()
    expect(parseDescriptors(['pid,'])).toBeUndefined()
  })

  it.each([
    [0, '0s'],
    [0.014, '0.01s'],
    [59.99, '59.99s'],
    [60, '1m0s'],
    [3725.5, '1h2m5.5s'],
    [360_000, '100h0m0s'],
  ])('duration(%d) is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})

describe('parseNetworkDevices()', () => {
  it('adds all interfaces but the loopback', () => {
    const text = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop',
      '    lo:    1000      10    0    0    0     0          0         0     1000      10    0    0',
      '  tap0:     220       2    0    0    0     0          0         0      602       7    0    0',
      'eth1:11 1 0 0 0 0 0 0 22 1 0 0',
      '',
    ].join('\n')
    expect(parseNetworkDevices(text)).toEqual({ input: 231, output: 624 })
  })
})

describe('cgroups', () => {
  const id = 'a'.repeat(64)

  it("are the container's own where its id stands in the path", () => {
    const path = `/user.slice/user-1000.slice/user@1000.service/bryo-${id}.scope`
    expect(ownCgroup(`0::${path}/container\n`, id)).toBe(`${path}/container`)
    expect(ownCgroup(`0::${path}/init.scope\n`, id)).toBe(path)
    expect(ownCgroup(`12:pids:/x\n0::${path}\n`, id)).toBe(path)
    expect(ownCgroup('0::/user.slice/session-1.scope\n', id)).toBeUndefined()
    expect(ownCgroup('4:memory:/x\n', id)).toBeUndefined()
  })

  it('count the bytes of all devices', () => {
    expect(
      parseIoStat(
        '8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=9 dios=0\n252:1 rbytes=1 wbytes=2 rios=1\n\n',
      ),
    ).toEqual({ input: 101, output: 22 })
    expect(parseIoStat('')).toEqual({ input: 0, output: 0 })
  })
})

describe('cpuPercent()', () => {
  const sample = (at: number, cpuNs: number): StatsSample => ({
    id: 'a'.repeat(64) as StatsSample['id'],
    name: 'x',
    at,
    startedAt: 1000,
    usage: { cpuNs, memory: 0, memoryLimit: 0, pids: 1, network: undefined, block: undefined },
  })

  it('is that since the start, or since the look before', () => {
    expect(cpuPercent(sample(3000, 1e9), undefined)).toBe(50)
    expect(cpuPercent(sample(3000, 2e9), sample(2000, 1e9))).toBe(100)
  })

  it('is never negative or infinite', () => {
    expect(cpuPercent(sample(3000, 1), sample(2000, 2e9))).toBe(0)
    expect(cpuPercent(sample(1000, 5), undefined)).toBe(0)
    expect(cpuPercent({ ...sample(3000, 5), usage: undefined }, undefined)).toBe(0)
  })
})
