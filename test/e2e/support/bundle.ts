import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { CommandOptions, Ended } from './command.ts'
import { TEST_USER } from './user.ts'
import { BRYO, give, type World } from './world.ts'

/** The parts of a configuration that tests change. */
export interface Config {
  process: {
    terminal: boolean
    args: string[]
    env: string[]
    cwd: string
    user: { uid: number; gid: number; umask?: number; additionalGids?: number[] }
    [key: string]: unknown
  }
  root: { path: string; readonly: boolean }
  mounts: { destination: string; type?: string; source?: string; options?: string[] }[]
  hooks?: { [kind: string]: { path: string; args?: string[]; env?: string[]; timeout?: number }[] }
  annotations?: { [key: string]: string }
  linux: { namespaces: { type: string; path?: string }[]; [key: string]: unknown }
  [key: string]: unknown
}

/** Bundles of a world, and the commands of `bryo oci-runtime` on them. */
export interface Bundles {
  /** Makes a bundle of the world's root, with one id and without a terminal; gives its directory. */
  readonly make: (name: string, change: (config: Config) => void) => string
  readonly oci: (args: readonly string[], options?: CommandOptions) => Promise<Ended>
  /** As `oci`, which must succeed; gives standard output. */
  readonly ok: (args: readonly string[], options?: CommandOptions) => Promise<string>
  /** `state` of a container. */
  readonly state: (id: string) => Promise<{ readonly status: string; readonly pid: number }>
  /** `run` of a bundle, which must succeed; gives standard output without its last line end. */
  readonly run: (name: string, script: string, change?: (config: Config) => void) => Promise<string>
}

export function bundlesOf(world: World): Bundles {
  let calls = 0
  // A created container keeps the output of its creator open, so a pipe would not end with the command.
  const oci: Bundles['oci'] = async (args, options) => {
    const [out, err] = ['out', 'err'].map((name) => join(world.directory, 'tmp', `${calls}.${name}`))
    calls++
    const script = `exec "$0" oci-runtime "$@" > ${out} 2> ${err} < /dev/null`
    const { code } = await world.command(['sh', '-c', script, BRYO, ...args], options)
    return { code, stdout: readText(out ?? ''), stderr: readText(err ?? '') }
  }
  const ok: Bundles['ok'] = async (args, options) => {
    const ended = await oci(args, options)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return ended.stdout
  }
  const make: Bundles['make'] = (name, change) => {
    const directory = world.makeDirectory(name)
    const config = defaultConfig(world)
    change(config)
    rmSync(join(directory, 'config.json'), { force: true })
    writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
    give(directory)
    return directory
  }
  return {
    make,
    oci,
    ok,
    state: async (id) => JSON.parse(await ok(['state', id])),
    run: async (name, script, change = () => {}) => {
      const bundle = make(name, (config) => {
        config.process.args = ['sh', '-c', script]
        change(config)
      })
      return (await ok(['run', '--bundle', bundle, name])).replace(/\n$/, '')
    },
  }
}

const ONE_ID = (id: number) => [{ containerID: 0, hostID: id, size: 1 }]

function defaultConfig(world: World): Config {
  const mount = (destination: string, type: string, options: string[]) => ({
    destination,
    type,
    source: type,
    options,
  })
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: false,
      args: ['sleep', '1000'],
      env: ['PATH=/bin', `FROM=${world.directory}`],
      cwd: '/',
      user: { uid: 0, gid: 0 },
      noNewPrivileges: true,
    },
    root: { path: world.rootfs, readonly: true },
    hostname: 'box',
    mounts: [
      mount('/proc', 'proc', []),
      mount('/dev', 'tmpfs', ['nosuid', 'mode=755', 'size=64k']),
      mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620']),
      mount('/tmp', 'tmpfs', []),
    ],
    linux: {
      uidMappings: ONE_ID(TEST_USER.uid),
      gidMappings: ONE_ID(TEST_USER.gid),
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network', 'user'].map((type) => ({ type })),
      maskedPaths: ['/proc/version'],
      readonlyPaths: ['/proc/sys'],
    },
  }
}

export function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
