import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { planCases, SMALL_LAYERS, type Subjects } from './cases.ts'
import { type Host, openHost } from './host.ts'
import { makeBusyboxRoot, makeLayeredImage, makeSmallLayersImage } from './images.ts'
import { measureMemory, planLifeCases, planListCases, planLogCase } from './life.ts'
import { type Case, type Measured, measure } from './measure.ts'
import { startRegistry } from './registry.ts'
import { formatTable } from './table.ts'

const SOAK_FORKS = 10_000

async function main(args: readonly string[]): Promise<number> {
  const [first, second] = args
  if (first === '--soak' && args.length <= 2) return soak(second === undefined ? SOAK_FORKS : Number(second))
  const quick = first === '--quick'
  if (args.length > (quick ? 1 : 0)) {
    console.error('usage: bench [--quick | --soak [FORKS]]')
    return 2
  }
  using host = openHost()
  const { directory, archive } = makeBusyboxRoot(host)
  const layered = makeLayeredImage(host, quick ? 15 : 100)
  using registry = await startRegistry(host, [layered, makeSmallLayersImage(host, SMALL_LAYERS)])
  host.mustRun([host.bryo, 'import', '--quiet', archive, 'localhost/busybox'])
  const podman = openPodman(host, archive)
  console.log(
    `as uid ${host.uid}, medians; all tools in turn in each round; noise meets all alike, so look at the ratio`,
  )
  const [reference, smallLayers] = registry?.references ?? []
  const subjects = { host, rootfs: directory, layered, reference, smallLayers, podman, quick }
  const results: Measured[] = []
  for (const each of allCases(subjects)) {
    results.push(measure(each))
    console.error(`measured: ${each.name}`)
  }
  console.log(formatTable(results))
  for (const [tool, megabytes] of Object.entries(measureMemory(subjects))) {
    console.log(`private memory per detached container with a network, ${tool}: ${megabytes.toFixed(2)} MB`)
  }
  if (reference === undefined) console.log('pull was left out: docker-registry and skopeo are not installed')
  if (podman) host.run([...podman, 'rm', '--all', '--force', '--time', '0'])
  if (podman) host.run([...podman, 'system', 'reset', '--force'])
  for (const command of [
    ['rm', '--all', '--force'],
    ['rmi', '--all', '--force'],
  ])
    host.run([host.bryo, ...command])
  return 0
}

/** Lazily: later ones leave containers behind, which earlier ones would see. */
function* allCases(subjects: Subjects): Generator<Case> {
  yield* planCases(subjects)
  yield* planLifeCases(subjects)
  yield planLogCase(subjects)
  yield* planListCases(subjects, subjects.quick ? [20] : [100, 1000])
}

/** Podman on directories of its own; undefined where there is none, or where it does not run here. */
function openPodman(host: Host, archive: string): readonly string[] | undefined {
  const program = host.find('podman')
  if (program === undefined) return undefined
  const root = host.makeDirectory('podman')
  const runc = host.find('runc')
  const flags = ['--root', root, '--runroot', join(host.base, 'run/podman'), '--cgroup-manager', 'cgroupfs']
  const podman = [program, ...flags, ...(runc ? ['--runtime', runc] : [])]
  host.run([...podman, 'import', '--quiet', archive, 'localhost/busybox'])
  const tried = host.run([...podman, 'run', '--rm', 'localhost/busybox', 'true'])
  if (tried.status === 0) return podman
  console.log(`podman was left out, it does not run here: ${tried.stderr.trim().split('\n').at(-1)}`)
  return undefined
}

/** Forks with allocation in parent and child. A silent child is one that bryo would end and fork again. */
function soak(forks: number): number {
  const fixture = fileURLToPath(new URL('../test/syscall/fixture/forks.ts', import.meta.url))
  console.log(`forking ${forks} times`)
  const env = {
    PATH: '/usr/bin:/bin',
    BUN_JSC_useConcurrentGC: '0',
    BUN_JSC_numberOfGCMarkers: '1',
    BUN_JSC_useConcurrentJIT: '0',
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
  }
  const flags = ['--config=/dev/null', '--no-env-file']
  const ended = spawnSync(process.execPath, [...flags, fixture, String(forks), 'pool'], {
    encoding: 'utf8',
    env,
  })
  process.stdout.write(ended.stdout)
  process.stderr.write(ended.stderr)
  return ended.status === 0 && /"silent":0,"crashed":0/.test(ended.stdout) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
