import { describe, expect, it } from 'vitest'
import { usernsModeFromFlags } from '../../src/userns/flags.ts'
import { parseIdMapRequest } from '../../src/userns/map-request.ts'
import { parseUsernsMode } from '../../src/userns/mode.ts'

describe('parseUsernsMode()', () => {
  it.each([
    ['', { kind: 'default' }],
    ['private', { kind: 'default' }],
    ['host', { kind: 'host' }],
    ['nomap', { kind: 'nomap' }],
    ['keep-id', { kind: 'keep-id' }],
    ['keep-id:uid=5', { kind: 'keep-id', uid: 5 }],
    ['keep-id:uid=200,gid=210,size=70000', { kind: 'keep-id', uid: 200, gid: 210, size: 70000 }],
    ['auto', { kind: 'auto', uidMappings: [], gidMappings: [] }],
    ['auto:size=8192', { kind: 'auto', size: 8192, uidMappings: [], gidMappings: [] }],
    ['container:web', { kind: 'container', container: 'web' }],
    ['ns:/proc/1/ns/user', { kind: 'namespace', path: '/proc/1/ns/user' }],
  ])('reads %j', (text, mode) => {
    expect(parseUsernsMode(text)).toEqual(mode)
  })

  it('reads mappings of auto', () => {
    expect(parseUsernsMode('auto:uidmapping=0:1:2,gidmapping=3:@4:5')).toMatchObject({
      uidMappings: [{ containerId: 0, from: { space: 'intermediate', id: 1 }, size: 2 }],
      gidMappings: [{ containerId: 3, from: { space: 'host', id: 4 }, size: 5 }],
    })
  })

  it.each([
    ['bogus', 'invalid user namespace mode "bogus", expected auto, host'],
    ['host:1', 'invalid user namespace mode "host:1", expected auto, host'],
    ['keep-id:', '""'],
    ['keep-id:uid', '"uid"'],
    ['keep-id:uid=-1', 'uid "-1"'],
    ['keep-id:uid=0x10', 'uid "0x10"'],
    ['keep-id:uid=4294967295', 'expected a number from 0 to 4294967294'],
    ['keep-id:uid=4294967296', 'uid "4294967296"'],
    ['keep-id:home=1', 'the option "home"'],
    ['auto:size=0', 'size "0"'],
    ['auto:uidmapping=1', 'invalid uidmapping "1"'],
    ['container:', 'no container'],
    ['ns:relative', 'an absolute path'],
  ])('refuses %j', (text, message) => {
    expect(() => parseUsernsMode(text)).toThrow(message)
  })
})

describe('parseIdMapRequest()', () => {
  it('has a size of 1 by default and reads flags and host ids', () => {
    expect(parseIdMapRequest('+g102000:@2000', '--gidmap')).toEqual({
      containerId: 102000,
      from: { space: 'host', id: 2000 },
      size: 1,
      extends: true,
      kinds: ['gid'],
    })
  })

  it.each(['', '0', '0:0:0', '0:1:2:3', 'a:b:c', '4294967295:0:1', '0:4294967294:2', '-1:0:1', '0: 1:2'])(
    'refuses %j',
    (text) => {
      expect(() => parseIdMapRequest(text, '--uidmap')).toThrow(`invalid --uidmap "${text}"`)
    },
  )
})

describe('usernsModeFromFlags()', () => {
  it('takes the user ids for the group ids where only --uidmap is given', () => {
    const mode = usernsModeFromFlags({ uidmap: ['0:1:10'] })
    expect(mode).toMatchObject({ kind: 'explicit', uid: [{ size: 10 }], gid: [{ size: 10 }] })
  })

  it('keeps a request with the flag u or g to its kind', () => {
    const mode = usernsModeFromFlags({ gidmap: ['+g5:@2000'] })
    expect(mode).toMatchObject({ kind: 'explicit', uid: [], gid: [{ containerId: 5 }] })
  })

  it('takes one name for both', () => {
    expect(usernsModeFromFlags({ subuidname: 'ana' })).toEqual({
      kind: 'named',
      uidName: 'ana',
      gidName: 'ana',
    })
  })

  it.each([
    { flags: { userns: 'keep-id', uidmap: ['0:0:1'] }, message: '--userns and --uidmap' },
    { flags: { userns: 'auto', subgidname: 'ana' }, message: '--userns and --subgidname' },
    { flags: { gidmap: ['0:0:1'], subuidname: 'ana' }, message: '--gidmap and --subuidname' },
  ])('refuses $message together', ({ flags, message }) => {
    expect(() => usernsModeFromFlags(flags)).toThrow(`${message} cannot be used together`)
  })
})
