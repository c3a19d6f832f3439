import { describe, expect, it } from 'vitest'
import { withSystemd } from '../../../src/engine/container/systemd.ts'
import { withImageVolumes } from '../../../src/engine/container/volumes.ts'
import { EMPTY_REQUEST } from '../../support/request.ts'

const targets = (request: typeof EMPTY_REQUEST) => request.mounts.map(({ target }) => target)
const PLACES = ['/run', '/run/lock', '/tmp', '/var/log/journal']

describe('withSystemd()', () => {
  it.each(['/sbin/init', '/usr/sbin/init', '/lib/systemd/systemd', 'systemd'])(
    'prepares for %s',
    (program) => {
      const request = withSystemd({ ...EMPTY_REQUEST, command: [program] }, undefined)
      expect(request).toMatchObject({ systemd: 'always', stopSignal: 'SIGRTMIN+3' })
      expect(targets(request)).toEqual(PLACES)
    },
  )

  it.each([[['init']], [['/bin/sh', '-c', '/sbin/init']], [['systemd-nspawn']], [[]]])(
    'leaves %j alone',
    (command) => {
      const request = { ...EMPTY_REQUEST, command }
      expect(withSystemd(request, undefined)).toBe(request)
      expect(withSystemd({ ...request, systemd: 'always' }, undefined).mounts).toHaveLength(4)
      const never = { ...request, command: ['/sbin/init'], systemd: 'never' } as const
      expect(withSystemd(never, undefined)).toBe(never)
    },
  )

  it('leaves out what is mounted already, and keeps a signal that was chosen', () => {
    const request = withSystemd(
      {
        ...EMPTY_REQUEST,
        systemd: 'always',
        systemdTmpfsSize: 4096,
        stopSignal: 'SIGTERM',
        mounts: [{ type: 'tmpfs', target: '/tmp/', options: [] }],
      },
      undefined,
    )
    expect(targets(request)).toEqual(['/tmp/', '/run', '/run/lock', '/var/log/journal'])
    expect(request.stopSignal).toBe('SIGTERM')
    expect(
      request.mounts.slice(1).every((mount) => 'options' in mount && mount.options.includes('size=4096')),
    ).toBe(true)
  })
})

describe('withImageVolumes()', () => {
  const image = { volumes: ['/data/', '/own', '/proc/x', '/'] }
  const own = [{ type: 'tmpfs', target: '/own', options: [] }] as const

  it('makes a tmpfs of what the image declares, where that is asked for', () => {
    const request = { ...EMPTY_REQUEST, mounts: own }
    expect(withImageVolumes(request, image)).toBe(request)
    expect(targets(withImageVolumes({ ...request, imageVolumes: 'tmpfs' }, image))).toEqual(['/own', '/data'])
  })
})
