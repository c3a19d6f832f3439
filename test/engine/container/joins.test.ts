import { describe, expect, it } from 'vitest'
import { joinTarget, refuseOwnIds, requestedJoins } from '../../../src/engine/container/joins.ts'
import { EMPTY_REQUEST } from '../../support/request.ts'

describe('requestedJoins()', () => {
  it('finds nothing in a request of defaults, or of the host', () => {
    expect(requestedJoins(EMPTY_REQUEST)).toEqual([])
    expect(requestedJoins({ ...EMPTY_REQUEST, ipc: 'host', userns: 'keep-id', network: ['host'] })).toEqual(
      [],
    )
  })

  it('finds every type, the user namespace first, with ids cut short', () => {
    const id = '0123456789ab'.padEnd(64, 'c')
    const request = {
      ...EMPTY_REQUEST,
      network: ['ns:/run/netns/a:b'],
      userns: 'container:web',
      pid: `container:${id}`,
      ipc: 'container:web',
      uts: 'ns:/x',
      cgroupns: 'container:web',
    } as const
    expect(requestedJoins(request).map(({ type, option }) => `${type} ${option}`)).toEqual([
      'user --userns container:web',
      'network --network ns:/run/netns/a:b',
      'pid --pid container:0123456789ab',
      'ipc --ipc container:web',
      'uts --uts ns:/x',
      'cgroup --cgroupns container:web',
    ])
  })
})

describe('joinTarget()', () => {
  it.each(['', 'private', 'container', 'container:', 'ns:', 'slirp4netns:mtu=1500', 'xns:/a'])(
    'takes "%s" for none',
    (text) => {
      expect(joinTarget(text)).toBeUndefined()
    },
  )
})

describe('refuseOwnIds()', () => {
  const join = { option: '--pid container:web' }

  it.each([
    [{ userns: 'keep-id' }],
    [{ userns: 'private' }],
    [{ uidmap: ['0:0:1'] }],
    [{ gidmap: ['0:0:1'] }],
    [{ subuidname: 'ana' }],
  ])('refuses %j', (options) => {
    expect(() => refuseOwnIds({ ...EMPTY_REQUEST, ...options }, join)).toThrow('--pid container:web')
  })

  it.each([[{}], [{ userns: '' }], [{ userns: 'container:web' }], [{ userns: 'ns:/x' }]])(
    'lets %j be',
    (options) => {
      expect(() => refuseOwnIds({ ...EMPTY_REQUEST, ...options }, join)).not.toThrow()
    },
  )
})
