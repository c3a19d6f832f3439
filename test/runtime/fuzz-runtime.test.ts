import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planCapabilities } from '../../src/runtime/capabilities.ts'
import { parseConfig } from '../../src/runtime/oci/config/parse.ts'
import { parseKernelVersion, parseSeccompProfile } from '../../src/runtime/seccomp/profile.ts'
import { resolveSecurity, thermalThrottlePaths } from '../../src/runtime/security.ts'
import { globToRegExp } from '../../src/runtime/securityOption.ts'
import { parseGroup, parsePasswd, resolveUser } from '../../src/runtime/user.ts'
import { anyText, attempt, damaged, FUZZ, mutated, textOf } from '../support/fuzz.ts'

const PASSWD = [
  'root',
  'ana',
  ':',
  'x',
  '0',
  '1000',
  '-1',
  '4294967295',
  '4294967296',
  '/home',
  '\n',
  '::',
  '+',
  '\0',
]
const lines = fc.oneof(anyText(), textOf(PASSWD))

describe('passwd and group', () => {
  it('are read whatever the image has in them, and whoever is found has ids that the kernel takes', () => {
    const users = fc.oneof(
      anyText(30),
      textOf(['root', 'ana', '0', '1000', ':', '4294967295', '-1', '+0', ' '], 5),
    )
    fc.assert(
      fc.property(lines, lines, users, fc.array(users, { maxLength: 3 }), (passwd, group, user, groups) => {
        const files = { passwd: parsePasswd(passwd), group: parseGroup(group) }
        const found = attempt(() => resolveUser(user, groups, files))
        if (!found) return
        for (const id of [found.uid, found.gid, ...found.additionalGids])
          expect(Number.isInteger(id) && id >= 0 && id <= 0xfffffffe).toBe(true)
        // Only digits, or nothing, may mean root where no line names it.
        if (found.uid === 0 && !files.passwd.some(({ uid }) => uid === 0)) expect(user).toMatch(/^0*(?::|$)/)
      }),
      FUZZ,
    )
  })
})

const profile: unknown = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../share/seccomp.json', import.meta.url)), 'utf8'),
)
const small = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 38,
  archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
  syscalls: [
    {
      names: ['read', 'write'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
      includes: { caps: ['CAP_SYS_ADMIN'], arches: ['amd64'], minKernel: '4.8' },
      excludes: {},
    },
  ],
}

describe('parseSeccompProfile()', () => {
  const parse = (text: string) => attempt(() => parseSeccompProfile(text, 'profile.json'))

  it('reads its own profile', () => {
    expect(parse(JSON.stringify(profile))?.rules.length).toBeGreaterThan(10)
  })

  it('reads or refuses a profile with members changed', () => {
    fc.assert(
      fc.property(mutated(small), (value) => void parse(JSON.stringify(value) ?? '')),
      FUZZ,
    )
  })

  it('reads or refuses any text', () => {
    const texts = fc.oneof(
      anyText(),
      damaged(Buffer.from(JSON.stringify(small))).map((bytes) => bytes.toString()),
      fc.integer({ min: 1, max: 200_000 }).map((depth) => '['.repeat(depth)),
      fc
        .integer({ min: 1, max: 50_000 })
        .map((depth) => `{"syscalls":${'['.repeat(depth)}${']'.repeat(depth)}}`),
    )
    fc.assert(
      fc.property(texts, (text) => void parse(text)),
      { ...FUZZ, numRuns: 150 },
    )
  })

  it('reads versions of kernels, or nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText(30), textOf(['5', '.', '10', '-', '+', 'rc1'], 8)),
        (release) => void parseKernelVersion(release),
      ),
      FUZZ,
    )
  })
})

describe('parseConfig()', () => {
  const config = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs', readonly: true },
    process: {
      args: ['sh'],
      env: ['A=b'],
      cwd: '/',
      user: { uid: 0, gid: 0, additionalGids: [1], umask: 18 },
      capabilities: { bounding: ['CAP_CHOWN'] },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }],
    },
    hostname: 'h',
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] }],
    hooks: { prestart: [{ path: '/bin/true', args: ['true'], timeout: 1 }] },
    annotations: { a: 'b' },
    linux: {
      namespaces: [{ type: 'user' }, { type: 'network', path: '/proc/1/ns/net' }],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      devices: [{ path: '/dev/null', type: 'c', major: 1, minor: 3 }],
      sysctl: { 'net.ipv4.ip_forward': '1' },
      maskedPaths: ['/proc/keys'],
      readonlyPaths: ['/proc/sys'],
      seccomp: small,
    },
  }

  it('reads or refuses a bundle with members changed', () => {
    expect(attempt(() => parseConfig(JSON.stringify(config), 'config.json'))).toBeDefined()
    fc.assert(
      fc.property(
        mutated(config),
        (value) => void attempt(() => parseConfig(JSON.stringify(value) ?? '', 'config.json')),
      ),
      FUZZ,
    )
  })

  it('reads or refuses any text', () => {
    const texts = fc.oneof(
      anyText(),
      damaged(Buffer.from(JSON.stringify(config))).map((bytes) => bytes.toString()),
      fc.integer({ min: 1, max: 200_000 }).map((depth) => '['.repeat(depth)),
    )
    fc.assert(
      fc.property(texts, (text) => void attempt(() => parseConfig(text, 'config.json'))),
      { ...FUZZ, numRuns: 200 },
    )
  })
})

describe('security options', () => {
  const words = [
    'seccomp',
    'no-new-privileges',
    'apparmor',
    'label',
    'mask',
    'unmask',
    'systempaths',
    'proc-opts',
    'nested-userns',
  ]
  const option = fc.oneof(
    anyText(60),
    textOf(
      [
        ...words,
        '=',
        ':',
        '/proc/keys',
        '/',
        '*',
        '[',
        ']',
        '!',
        '?',
        '..',
        'ALL',
        'true',
        'unconfined',
        ',',
      ],
      9,
    ),
  )

  it('are taken or refused; what weakens a layer is noted', () => {
    fc.assert(
      fc.property(fc.array(option, { maxLength: 3 }), fc.boolean(), (options, privileged) => {
        const settings = attempt(() =>
          resolveSecurity({ options, privileged, maskedPaths: ['/proc/keys', '/proc/kcore'] }),
        )
        if (!settings) return
        const layers = settings.loosened.map(({ layer }) => layer)
        if (!settings.noNewPrivileges) expect(layers).toContain('no-new-privileges')
        if (settings.seccomp.kind !== 'default') expect(layers).toContain('seccomp')
        if (settings.maskedPaths.length < 2) expect(layers).toContain('masked-paths')
        if (settings.nestedUserns) expect(layers).toContain('nested-userns')
      }),
      FUZZ,
    )
  })

  it('with patterns of any kind end', () => {
    const pattern = fc.oneof(
      anyText(60),
      textOf(['*', '?', '[', ']', '!', '^', '-', '/', 'a', '\\', '(', ')', '|'], 20),
    )
    fc.assert(
      fc.property(pattern, anyText(60), (text, path) => {
        expect(typeof globToRegExp(text.slice(0, 200)).test(path.slice(0, 200))).toBe('boolean')
      }),
      FUZZ,
    )
  })

  it('add capabilities that have a name, or none', () => {
    const names = fc.array(
      fc.oneof(anyText(20), textOf(['CAP_', 'cap_', 'CHOWN', 'all', 'ALL', 'SYS_ADMIN', ' '], 3)),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(names, names, fc.boolean(), (add, drop, isRoot) => {
        const plan = attempt(() => planCapabilities({ add, drop, privileged: false, isRoot }))
        if (!plan) return
        expect(plan.effective & ~plan.bounding).toBe(0n)
        if (isRoot) expect([plan.inheritable, plan.ambient]).toEqual([0n, 0n])
      }),
      FUZZ,
    )
  })

  it('name a bounded number of processors', () => {
    fc.assert(
      fc.property(textOf(['0', '-', ',', '99999', '7', '\n'], 12), (possible) => {
        expect(thermalThrottlePaths(possible).length).toBeLessThanOrEqual(
          8192 * (possible.split(',').length + 1),
        )
      }),
      { ...FUZZ, numRuns: 60 },
    )
  })
})
