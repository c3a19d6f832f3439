import { describe, expect, it } from 'vitest'
import { TEST_USER } from './support/user.ts'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']
const inside = (flags: readonly string[], command: string) => world.inside([...NO_NETWORK, ...flags], command)
const MAP = 'awk \'{ print $1 ":" $2 ":" $3 }\' /proc/self/uid_map'

describe.each(['overlay', 'fuse-overlayfs'])('--userns with the driver %s', (driver) => {
  const run = (flags: readonly string[], command: string) =>
    inside(['--storage-driver', driver, ...flags], command)

  it('by default makes the caller root of it', async () => {
    const [first = '', second = ''] = (await run([], MAP)).split('\n')
    expect(first).toBe(`0:${TEST_USER.uid}:1`)
    expect(second).toMatch(/^1:\d+:\d+$/)
  })

  it("keep-id keeps the ids of the caller, files of the image are still root's", async () => {
    expect(await run(['--userns', 'keep-id'], 'id -u; id -g; whoami; stat -c %u /etc/greeting')).toBe(
      `${TEST_USER.uid}\n${TEST_USER.gid}\n${TEST_USER.name}\n0`,
    )
  })

  it('keep-id:uid=,gid= gives the caller other ids', async () => {
    expect(await run(['--userns', 'keep-id:uid=1000,gid=29'], 'id -u; id -g')).toBe('1000\n29')
  })

  it('keep-id writes to a volume of the host as the caller', async () => {
    const directory = world.makeDirectory(`kept-${driver}`)
    expect(await run(['--userns', 'keep-id', '-v', `${directory}:/w`], 'touch /w/f; stat -c %u /w/f')).toBe(
      String(TEST_USER.uid),
    )
  })

  it('nomap leaves the caller out', async () => {
    const map = (await run(['--userns', 'nomap'], MAP)).split('\n')
    expect(map.some((line) => line.split(':')[1] === String(TEST_USER.uid))).toBe(false)
  })

  it('host has the one id of the caller', async () => {
    expect(await run(['--userns', 'host'], `id -u; ${MAP}`)).toMatch(/^\d+\n\d+:\d+:1$/)
  })

  it('auto takes a part of the range', async () => {
    expect(
      await run(
        ['--userns', 'auto:size=5000'],
        `id -u; awk '{ n += $3 } END { print n }' /proc/self/uid_map`,
      ),
    ).toBe('0\n5000')
  })

  it('--uidmap and --gidmap are taken as given', async () => {
    expect(
      await run(
        ['--uidmap', '0:1:500', '--gidmap', '0:1:600'],
        `${MAP.replace('uid_map', 'uid_map')} | cut -d: -f1,3; awk '{ print $3 }' /proc/self/gid_map`,
      ),
    ).toBe('0:500\n600')
  })
})

describe('--group-add keep-groups', () => {
  it('keeps access to files by a group of the caller', async () => {
    expect(await inside(['--group-add', 'keep-groups'], 'id -u')).toBe('0')
  })
})

describe('mistakes', () => {
  it.each([
    ['an unknown mode', ['--userns', 'moon'], 'moon'],
    ['ids beyond the range', ['--uidmap', '0:1:9999999'], '9999999'],
    ['--userns and --uidmap together', ['--userns', 'keep-id', '--uidmap', '0:0:1'], '--uidmap'],
    ['an unknown user', ['-u', 'nobody-here'], 'nobody-here'],
    ['an unknown group', ['--group-add', 'no-group-here'], 'no-group-here'],
    ['a user id that is not mapped', ['-u', '4000000'], '4000000'],
    ['a user id that would wrap', ['-u', '4294967296'], '4294967296'],
  ])('%s: refused, nothing left', async (_what, flags, named) => {
    const before = world.listing()
    const ended = await bryo(['run', '--rm', ...NO_NETWORK, ...flags, IMAGE, 'true'])
    expect(ended).toMatchObject({ stdout: '' })
    expect([125, 126]).toContain(ended.code)
    expect(ended.stderr).toMatch(/^Error: /)
    expect(ended.stderr).toContain(named)
    await world.expectUnchanged(before)
  })
})
