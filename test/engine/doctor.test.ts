import { describe, expect, it } from 'vitest'
import { judgeControllers, judgeLayout } from '../../src/engine/doctor/cgroups.ts'
import { doctorExitCode, type Finding } from '../../src/engine/doctor/finding.ts'
import {
  judgeAppArmor,
  judgeKernel,
  judgeMount,
  judgeNamespaces,
  judgeSysctls,
} from '../../src/engine/doctor/kernel.ts'
import { judgeDevice, judgeProgram, versionIn } from '../../src/engine/doctor/programs.ts'
import { judgeLinger, judgeRuntimeDir } from '../../src/engine/doctor/session.ts'
import { judgeFilesystem, judgeOverlay, judgeSpace } from '../../src/engine/doctor/storage.ts'
import { judgeHelper, judgeOverlaps, judgeSubids } from '../../src/engine/doctor/subids.ts'
import type { Restrictions } from '../../src/userns/restrictions.ts'

const ANA = { uid: 1000, gid: 1000, userName: 'ana', loginGid: 1000 }
const FREE: Restrictions = {
  supported: true,
  maxUserNamespaces: 15000,
  unprivilegedClone: 1,
  apparmorRestrict: 0,
  seccompFilter: false,
  chrooted: false,
}
const RANGE = { start: 100000, count: 65536 }

/** `state: detail`, and the fix on a line of its own. */
function text({ state, detail, fix }: Finding): string {
  return `${state}: ${detail}${fix === undefined ? '' : `\n${fix}`}`
}

describe('doctorExitCode()', () => {
  const of = (...states: readonly Finding['state'][]) =>
    doctorExitCode(states.map((state) => ({ id: 'x', title: 'x', state, detail: '' })))

  it('is 0 with warnings and 1 with an error', () => {
    expect([of(), of('ok', 'warning', 'skipped'), of('ok', 'error')]).toEqual([0, 0, 1])
  })
})

describe('the doctor on the kernel', () => {
  it.each([
    ['6.1.0-18-amd64', 'ok'],
    ['5.12.0', 'ok'],
    ['5.10.0-28-amd64', 'error'],
    ['4.18.0-553.el8', 'error'],
    ['10.0.1', 'ok'],
  ])('judges version %s: %s', (version, state) => {
    expect(judgeKernel(version).state).toBe(state)
  })

  it('explains a refused namespace with its remedy', () => {
    const finding = judgeNamespaces(1, { ...FREE, unprivilegedClone: 0 }, '/opt/bun')
    expect(text(finding)).toMatch(/^error: .*EPERM.*\n.*kernel.unprivileged_userns_clone=1/)
    expect(judgeNamespaces(0, FREE, '/opt/bun').state).toBe('ok')
  })

  it.each([
    [{}, 'ok', undefined],
    [{ maxUserNamespaces: 0 }, 'error', 'user.max_user_namespaces=15000'],
    [{ maxUserNamespaces: 5 }, 'warning', 'user.max_user_namespaces=15000'],
    [{ unprivilegedClone: 0 }, 'error', 'kernel.unprivileged_userns_clone=1'],
  ])('judges the sysctls %j: %s', (change, state, fix) => {
    const finding = judgeSysctls({ ...FREE, ...change })
    expect(finding.state).toBe(state)
    expect(finding.fix?.includes(fix ?? '')).toBe(fix === undefined ? undefined : true)
  })

  it('prints a profile for the program that forks where AppArmor restricts', () => {
    const finding = judgeAppArmor({ ...FREE, apparmorRestrict: 1 }, '/opt/bryo/bun')
    expect(text(finding)).toMatch(/^warning: /)
    expect(finding.fix).toContain('profile bryo "/opt/bryo/bun" flags=(unconfined) {\n  userns,')
  })

  it('takes a failing mount in a namespace for a security module', () => {
    const plan = { maps: { uid: [{ containerId: 0, hostId: 1000, size: 1 }], gid: [] } }
    expect(text(judgeMount(13, plan, '/opt/bun'))).toMatch(/^error: .*EACCES/)
    expect(text(judgeMount(0, plan, '/opt/bun'))).toBe('ok: 1 user id mapped')
  })
})

describe('the doctor on subordinate ids', () => {
  const files = { source: 'files', problems: [] } as const

  it.each([
    {
      subids: { uid: [RANGE], gid: [RANGE], ...files },
      expected: /^ok: 65536 user ids, 65536 group ids from files$/,
    },
    {
      subids: { uid: [RANGE], gid: [{ start: 1, count: 5 }], ...files },
      expected: /^warning: .*expected 65536/,
    },
    {
      subids: { uid: [], gid: [], freeStart: 165536, ...files },
      expected:
        /^warning: .*no entry for "ana".*\n.*echo ana:165536:65536 \| tee -a \/etc\/subuid \/etc\/subgid/,
    },
    {
      subids: { uid: [RANGE], gid: [RANGE], ...files, problems: ['/etc/subuid line 2: "ana:x"'] },
      expected: /^warning: .*ignored: \/etc\/subuid line 2/,
    },
  ])('says $expected', ({ subids, expected }) => {
    expect(text(judgeSubids(ANA, subids))).toMatch(expected)
  })

  it('takes missing ids of root for an error', () => {
    const root = { uid: 0, gid: 0, userName: 'root', loginGid: 0 }
    expect(judgeSubids(root, { uid: [], gid: [], ...files }).state).toBe('error')
  })

  it('warns of a range that another user has too', () => {
    const foreign = { uid: [{ owner: 'bob', start: 165535, count: 10 }], gid: [] }
    const finding = judgeOverlaps({ uid: [RANGE], gid: [RANGE] }, foreign, [])
    expect(finding).toMatchObject({ state: 'warning', detail: 'shared with bob:165535:10 in /etc/subuid' })
  })

  it('warns of an account in the range, and not of one beside it', () => {
    const subids = { uid: [RANGE], gid: [RANGE] }
    const none = { uid: [], gid: [] }
    const of = (uid: number) => judgeOverlaps(subids, none, [{ name: 'bob', uid }]).state
    expect([of(99999), of(100000), of(165535), of(165536)]).toEqual(['ok', 'warning', 'warning', 'ok'])
  })
})

describe('the doctor on newuidmap', () => {
  const privilege = { path: '/usr/bin/newuidmap', setuid: false, capability: false, nosuid: false }

  it.each([
    { found: { ...privilege, setuid: true }, expected: 'ok: /usr/bin/newuidmap, set-user-ID root' },
    { found: { ...privilege, capability: true }, expected: 'ok: /usr/bin/newuidmap, file capability' },
    { found: { ...privilege, setuid: true, nosuid: true }, expected: 'error: .*nosuid' },
    { found: privilege, expected: 'error: .*neither.*\n.*setcap cap_setuid=ep /usr/bin/newuidmap' },
    { found: undefined, expected: 'error: not found.*\n.*uidmap' },
  ])('says $expected', ({ found, expected }) => {
    expect(text(judgeHelper('newuidmap', found, true))).toMatch(new RegExp(`^${expected}`))
  })

  it('does without it where nothing needs it', () => {
    expect(judgeHelper('newuidmap', undefined, false).state).toBe('skipped')
  })
})

describe('the doctor on programs and devices', () => {
  const need = {
    name: 'slirp4netns',
    package: 'slirp4netns',
    missing: 'error',
    use: 'x',
    oldest: [0, 4],
  } as const

  it.each([
    {
      path: '/usr/bin/slirp4netns',
      output: 'slirp4netns version 1.2.0\ncommit: 65\n',
      expected: 'ok: .* 1.2.0',
    },
    {
      path: '/usr/bin/slirp4netns',
      output: 'slirp4netns version 0.3.9\n',
      expected: 'error: .*at least 0.4',
    },
    { path: undefined, output: '', expected: 'error: not found.*\ninstall the package slirp4netns' },
  ])('says $expected', ({ path, output, expected }) => {
    expect(text(judgeProgram(need, path, output))).toMatch(new RegExp(`^${expected}`))
  })

  it.each([
    {
      name: 'fuse-overlayfs',
      output: 'fusermount3 version: 3.14.0\nfuse-overlayfs: version 1.10\n',
      version: '1.10',
    },
    { name: 'catatonit', output: 'tini version 0.1.7_catatonit\n', version: '0.1.7_catatonit' },
    { name: 'pasta', output: '17952.8263: noise\npasta 2024_09_06.6b38f07\n', version: '2024_09_06.6b38f07' },
    { name: 'pasta', output: 'pasta unknown version\n', version: undefined },
  ])('finds version $version of $name', ({ name, output, version }) => {
    expect(versionIn(output, name)).toBe(version)
  })

  it('tells a missing device from a closed one', () => {
    const device = { state: 'error', use: 'the network', fix: 'chmod' } as const
    expect(text(judgeDevice('/dev/net/tun', 'ENOENT', device))).toMatch(/^error: does not exist/)
    expect(text(judgeDevice('/dev/net/tun', 'EACCES', device))).toMatch(/^error: cannot be opened \(EACCES\)/)
    expect(judgeDevice('/dev/net/tun', undefined, device)).toMatchObject({ id: 'net-tun', state: 'ok' })
  })
})

describe('the doctor on the store', () => {
  it('sends a store on NFS to a local disk', () => {
    expect(text(judgeFilesystem('/home/ana/x', 0x6969))).toMatch(/^error: .*NFS.*\n.*--root/)
    expect(judgeFilesystem('/home/ana/x', 0xef53).state).toBe('ok')
  })

  it.each([
    [50 * 2 ** 20, 'error: 50 MiB'],
    [500 * 2 ** 20, 'warning: 500 MiB'],
    [80.5 * 2 ** 30, 'ok: 80.5 GiB'],
  ])('judges %d free bytes: %s', (free, expected) => {
    expect(text(judgeSpace('/data', free))).toContain(expected)
  })

  it('names the problem of native overlay', () => {
    expect(text(judgeOverlay({ works: false, problem: 'mounting: EPERM' }))).toMatch(
      /^warning: mounting: EPERM\n/,
    )
    expect([judgeOverlay(undefined).state, judgeOverlay({ works: true }).state]).toEqual(['skipped', 'ok'])
  })
})

describe('the doctor on the session', () => {
  const good = { directory: true, uid: 1000, mode: 0o700 }
  const at = { path: '/run/user/1000', uid: 1000, systemd: false }

  it.each([
    { request: at, status: good, expected: 'ok: /run/user/1000' },
    {
      request: { ...at, path: undefined },
      status: undefined,
      expected: 'warning: not set: a private directory',
    },
    {
      request: { ...at, path: 'run' },
      status: undefined,
      expected: 'warning: "run" is not an absolute path',
    },
    { request: at, status: undefined, expected: 'warning: /run/user/1000 does not exist' },
    { request: at, status: { ...good, uid: 0 }, expected: 'warning: /run/user/1000 belongs to user id 0' },
    { request: at, status: { ...good, mode: 0o755 }, expected: 'warning: /run/user/1000 has mode 0755' },
    {
      request: at,
      status: { ...good, directory: false },
      expected: 'warning: /run/user/1000 is not a directory',
    },
  ])('says $expected', ({ request, status, expected }) => {
    expect(text(judgeRuntimeDir(request, status))).toContain(expected)
  })

  it('asks for linger only where systemd runs, and not of root', () => {
    expect(judgeLinger(ANA, false, false).state).toBe('skipped')
    expect(judgeLinger({ ...ANA, uid: 0 }, true, false).state).toBe('skipped')
    expect(judgeLinger(ANA, true, true).state).toBe('ok')
    expect(text(judgeLinger(ANA, true, false))).toMatch(/^warning: .*\nloginctl enable-linger ana$/)
  })
})

describe('the doctor on cgroups', () => {
  it.each(['hybrid', 'v1', 'none'] as const)('says that %s has no limits', (layout) => {
    expect(text(judgeLayout(layout))).toMatch(/^warning: .*without limits\n/)
    expect(judgeControllers(layout, 1000, undefined).state).toBe('skipped')
  })

  it('names the controllers that are not delegated, and the drop-in', () => {
    const finding = judgeControllers('v2', 1000, ['memory', 'pids'])
    expect(finding).toMatchObject({ state: 'warning' })
    expect(finding.detail).toContain('cpu cpuset io')
    expect(finding.fix).toContain('Delegate=cpu cpuset io memory pids')
    expect(judgeControllers('v2', 1000, ['cpuset', 'cpu', 'io', 'memory', 'pids', 'rdma']).state).toBe('ok')
  })

  it('says so where the user has no manager', () => {
    expect(text(judgeControllers('v2', 1000, undefined))).toMatch(/^warning: no user@1000.service/)
  })
})
