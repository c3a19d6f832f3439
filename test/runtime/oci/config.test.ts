import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../../src/base/errors.ts'
import { parseConfig, parseProcess } from '../../../src/runtime/oci/config/parse.ts'

type Json = { [key: string]: unknown }

/** A configuration with something of everything. */
function fullConfig(): Json {
  return {
    ociVersion: '1.2.0',
    hostname: 'box',
    domainname: 'example',
    root: { path: 'rootfs', readonly: true },
    process: {
      terminal: true,
      consoleSize: { height: 30, width: 100 },
      user: { uid: 1000, gid: 1000, umask: 63, additionalGids: [5, 29] },
      args: ['sh', '-c', ''],
      env: ['PATH=/bin'],
      cwd: '/srv',
      capabilities: { bounding: ['CAP_CHOWN'], ambient: null },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 2 ** 64 }],
      noNewPrivileges: true,
      apparmorProfile: 'mine',
      oomScoreAdj: -500,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: 'data', source: 'vol', options: ['rbind', 'ro'] },
    ],
    hooks: { prestart: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 3 }] },
    annotations: { 'a.b': 'c' },
    linux: {
      namespaces: [{ type: 'pid' }, { type: 'network', path: '/proc/1/ns/net' }, { type: 'mount', path: '' }],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      timeOffsets: { monotonic: { secs: -1, nanosecs: 5 } },
      devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438 }],
      sysctl: { 'net.ipv4.ip_forward': '1' },
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      rootfsPropagation: 'rslave',
      resources: { memory: { limit: 5 } },
      cgroupsPath: '/mine',
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
      personality: { domain: 'LINUX32' },
    },
  }
}

/** The configuration with the value at a path such as `process.args` replaced; undefined takes it away. */
function changed(path: string, value: unknown): string {
  const config = fullConfig()
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let at: Json = config
  for (const key of keys) at = at[key] as Json
  at[last] = value
  return JSON.stringify(config)
}

const parse = (text: string) => parseConfig(text, 'config.json')

describe('parseConfig()', () => {
  it('reads every section that it knows', () => {
    const config = parse(JSON.stringify(fullConfig()))
    expect(config.root).toEqual({ path: 'rootfs', readonly: true })
    expect(config.process).toMatchObject({
      terminal: true,
      consoleSize: { rows: 30, columns: 100 },
      user: { uid: 1000, gid: 1000, umask: 0o077, additionalGids: [5, 29] },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024n, hard: 0xffffffffffffffffn }],
    })
    expect(config.process.capabilities).toEqual({
      bounding: ['CAP_CHOWN'],
      effective: [],
      permitted: [],
      inheritable: [],
      ambient: [],
    })
    expect(config.mounts[1]).toEqual({
      destination: '/data',
      type: undefined,
      source: 'vol',
      options: ['rbind', 'ro'],
    })
    expect(config.hooks.prestart).toEqual([
      { path: '/bin/true', args: ['true'], env: ['A=b'], timeoutSeconds: 3 },
    ])
    expect(config.hooks.poststop).toEqual([])
    expect(config.linux).toMatchObject({
      namespaces: [
        { type: 'pid', path: undefined },
        { type: 'network', path: '/proc/1/ns/net' },
        { type: 'mount', path: undefined },
      ],
      timeOffsets: [{ clock: 'monotonic', seconds: -1, nanoseconds: 5 }],
      rootfsPropagation: { type: 'slave', recursive: true },
      personality: 'LINUX32',
      resources: { memory: { limit: 5 }, pidsLimit: undefined },
      cgroupsPath: '/mine',
      seccomp: '{"defaultAction":"SCMP_ACT_ALLOW"}',
    })
  })

  it('reads limits, where the greatest numbers mean none', () => {
    const resources = {
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 2 ** 63, reservation: 5, swappiness: 60, kernel: 1 },
      cpu: { shares: 1024, quota: -1, realtimePeriod: 1 },
      pids: { limit: 9 },
      blockIO: {
        weight: 0,
        weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 10 }],
        throttleWriteBpsDevice: [{ major: 8, minor: 16, rate: 1000 }],
      },
      network: { classID: 1 },
      rdma: { mlx5: { hcaHandles: 3 } },
      unified: { 'memory.high': '1' },
    }
    expect(parse(changed('linux.resources', resources)).linux.resources).toMatchObject({
      memory: { limit: -1, reservation: 5, swap: undefined },
      cpu: { shares: 1024, quota: -1, cpus: undefined },
      pidsLimit: 9,
      io: {
        weight: undefined,
        deviceWeights: [{ device: '8:0', weight: 500 }],
        rates: [{ device: '8:16', kind: 'wbps', rate: 1000 }],
      },
      rdma: [{ device: 'mlx5', handles: 3, objects: undefined }],
      unified: { 'memory.high': '1' },
    })
  })

  it('takes null for what is absent', () => {
    const linux = { namespaces: [{ type: 'mount' }], devices: null, seccomp: null, maskedPaths: null }
    const text = JSON.stringify({ ...fullConfig(), hooks: null, mounts: null, annotations: null, linux })
    expect(parse(text)).toMatchObject({
      mounts: [],
      annotations: {},
      linux: { devices: [], maskedPaths: [] },
    })
  })

  it.each([
    ['ociVersion', undefined, 'ociVersion is missing'],
    ['ociVersion', 'new', 'ociVersion is "new", expected a version'],
    ['ociVersion', '2.0.0', 'expected 1.x'],
    ['root', undefined, 'root.path is missing'],
    ['root.path', '', 'root.path is "", expected a string that is not empty'],
    ['process', 'sh', 'process is "sh", expected an object'],
    ['process.args', [], 'process.args is an array of 0'],
    ['process.args', ['a\0b'], 'process.args[0] is "a\\u0000b"'],
    ['process.cwd', 'srv', 'process.cwd is "srv", expected an absolute path'],
    ['process.terminal', 'yes', 'process.terminal is "yes", expected true or false'],
    ['process.user.uid', -1, 'process.user.uid is -1'],
    ['process.user.uid', 4294967295, 'expected a whole number from 0 to 4294967294'],
    ['process.user.uid', 1.5, 'process.user.uid is 1.5'],
    ['process.oomScoreAdj', 1001, 'from -1000 to 1000'],
    ['process.rlimits', [{ type: 'NOFILE', soft: 1, hard: 1 }], 'process.rlimits[0].type is "NOFILE"'],
    ['process.rlimits', [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }], 'process.rlimits[0].soft is 2'],
    ['process.rlimits', [{ type: 'RLIMIT_CPU', soft: -1, hard: 1 }], 'process.rlimits[0].soft is -1'],
    ['process.scheduler', { policy: 'SCHED_OTHER' }, 'process.scheduler is not supported'],
    ['mounts', {}, 'mounts is an object, expected an array'],
    ['mounts', [{ type: 'proc' }], 'mounts[0].destination is missing'],
    ['hooks.prestart', [{ path: 'true' }], 'hooks.prestart[0].path is "true"'],
    ['hooks.prestart', [{ path: '/a', timeout: 0 }], 'hooks.prestart[0].timeout is 0'],
    ['annotations', { a: 1 }, 'annotations.a is 1, expected a string'],
    ['linux', undefined, 'linux is missing'],
    ['linux.namespaces', [{ type: 'moon' }], 'linux.namespaces[0].type is "moon", expected one of user,'],
    ['linux.namespaces', [{ type: 'pid' }, { type: 'pid' }], 'expected each type of namespace once'],
    ['linux.namespaces', [{ type: 'pid', path: 'ns' }], 'linux.namespaces[0].path is "ns"'],
    ['linux.uidMappings', [{ containerID: 0, hostID: 0, size: 0 }], 'linux.uidMappings[0].size is 0'],
    ['linux.devices', [{ type: 'x', path: '/dev/x' }], 'linux.devices[0].type is "x"'],
    ['linux.resources.memory', { limit: 'much' }, 'linux.resources.memory.limit is "much"'],
    ['linux.resources.cpu', { idle: 2 }, 'linux.resources.cpu.idle is 2'],
    ['linux.resources.blockIO', { weight: 5 }, 'linux.resources.blockIO.weight is 5'],
    ['linux.resources.hugepageLimits', [{ pageSize: '../x', limit: 1 }], 'expected a size such as 2MB'],
    ['linux.resources.rdma', { 'a/b': {} }, 'no device has such a name'],
    ['linux.resources.unified', { '../x': '1' }, 'expected names of files such as memory.high'],
    ['linux.resources.unified', { 'memory.high': '' }, 'expected a string that is not empty'],
    ['linux.rootfsPropagation', 'loose', 'linux.rootfsPropagation is "loose"'],
    ['linux.intelRdt', { closID: 'a' }, 'linux.intelRdt is not supported'],
    ['hostname', 'x'.repeat(65), 'expected at most 64 bytes'],
  ])('refuses %s = %j', (path, value, message) => {
    expect(() => parse(changed(path, value))).toThrow(BryoError)
    expect(() => parse(changed(path, value))).toThrow(message)
  })

  it('refuses what is not JSON', () => {
    for (const text of ['', '{', 'null', '[]', '"x"', '1'.repeat(400)]) {
      expect(() => parse(text)).toThrow(BryoError)
    }
  })

  it('refuses sections that are nested too deeply', () => {
    const depth = 200_000
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`
    const text = changed('linux.seccomp', 'HERE').replace('"HERE"', deep)
    expect(() => parse(text)).toThrow(/nested too deeply|not JSON/)
  })

  it('answers any JSON with a configuration or an error for the user', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expectParsedOrRefused(text)
      }),
    )
  })

  it('answers any change of a configuration with a configuration or an error for the user', () => {
    const paths = pathsOf(fullConfig(), '')
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        expectParsedOrRefused(changed(path, value))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('parseProcess()', () => {
  it('reads the process alone', () => {
    expect(parseProcess(JSON.stringify(fullConfig().process), 'p.json')).toMatchObject({ cwd: '/srv' })
    expect(() => parseProcess('{}', 'p.json')).toThrow('cannot read "p.json": args is missing')
  })
})

function expectParsedOrRefused(text: string): void {
  try {
    parse(text)
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
    expect(error.code).toMatch(/^(?:USAGE|UNSUPPORTED)$/)
    expect(error.message.length).toBeLessThan(1000)
  }
}

/** Every place of an object, those in arrays included. */
function pathsOf(value: unknown, prefix: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, found]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`
    return key.includes('.') ? [] : [path, ...pathsOf(found, path)]
  })
}
