import { describe, expect, it } from 'vitest'
import { parseVolumeOptions } from '../../../src/engine/volume/options.ts'

describe('parseVolumeOptions()', () => {
  it.each([
    [{}, { kind: 'directory', owner: { uid: undefined, gid: undefined }, copyUp: true }],
    [{ o: 'uid=1000,gid=7,nocopy' }, { kind: 'directory', owner: { uid: 1000, gid: 7 }, copyUp: false }],
    [
      { type: 'tmpfs', device: 'tmpfs', o: 'size=10m,mode=0700,noexec' },
      { kind: 'tmpfs', mountOptions: ['size=10m', 'mode=0700', 'noexec'], copyUp: true },
    ],
    [
      { type: 'none', device: '/srv', o: 'bind,ro' },
      { kind: 'bind', device: '/srv', mountOptions: ['bind', 'ro'], copyUp: true },
    ],
    [
      { device: '/srv', o: 'rbind' },
      { kind: 'bind', device: '/srv', mountOptions: ['rbind'], copyUp: true },
    ],
  ])('reads %j', (options, content) => {
    expect(parseVolumeOptions(options)).toEqual(content)
  })

  it.each([
    [{ size: '1' }, 'USAGE'],
    [{ type: 'ext4', device: '/dev/vda' }, 'UNSUPPORTED'],
    [{ type: 'nfs', device: ':/x', o: 'bind' }, 'UNSUPPORTED'],
    [{ type: 'none', device: '/srv' }, 'USAGE'],
    [{ type: 'none', device: '../srv', o: 'bind' }, 'USAGE'],
    [{ type: 'none', device: '/srv', o: 'bind,lowerdir=/etc' }, 'USAGE'],
    [{ type: 'tmpfs', o: 'bind' }, 'USAGE'],
    [{ o: 'size=1g' }, 'UNSUPPORTED'],
    [{ o: 'uid=-1' }, 'USAGE'],
    [{ o: 'uid=root' }, 'USAGE'],
  ])('refuses %j', (options, code) => {
    expect(() => parseVolumeOptions(options)).toThrow(expect.objectContaining({ code }))
  })
})
