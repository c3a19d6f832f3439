import { closeSync } from 'node:fs'
import type { MonitorConfig, MonitorFdNumbers } from '../../../base/monitorConfig.ts'
import type { MonitorProgram } from '../../../runtime/messages.ts'
import { memfdCreate, writeFd } from '../../../syscall/fd.ts'
import type { Engine } from '../../engine.ts'
import { installedFile, ownProgram } from '../../installation.ts'

/** The first fd of a monitor holds its configuration. */
const CONFIG_FD = 3

export interface MonitorLaunch {
  readonly program: MonitorProgram
  /** In the order in which the monitor has them, from 3 on. */
  readonly fds: readonly number[]
}

/** Which descriptors of this process a monitor gets, by their role. */
export type MonitorFds = { readonly [K in keyof MonitorFdNumbers]: number }

/**
 * The heap is collected before it has grown: after 100 MB of output a monitor has 4 MB of its own, and not 15. It costs no time that
 * could be measured.
 */
const SMALL_HEAP = { BUN_JSC_largeHeapSize: '300000', MIMALLOC_PURGE_DELAY: '0' }

/**
 * What has to be executed for a monitor.
 * @param held further fds that stay open as long as the container lives
 */
export function planMonitor(
  engine: Engine,
  config: Omit<MonitorConfig, 'fds' | 'bryo' | 'env'>,
  { fds, held }: { readonly fds: MonitorFds; readonly held: readonly number[] },
): MonitorLaunch {
  const roles = Object.entries(fds).filter(([, fd]) => fd !== undefined)
  const numbers = Object.fromEntries(roles.map(([role], index) => [role, CONFIG_FD + 1 + index]))
  const { path, args, env } = ownProgram('monitor')
  const document: MonitorConfig = {
    ...config,
    fds: { attach: CONFIG_FD + 1, ...numbers },
    bryo: bryoCommand(engine),
    env: hostEnvironment(engine),
  }
  const file = memfdCreate('bryo-monitor')
  writeFd(file, Buffer.from(JSON.stringify(document)))
  return {
    program: {
      path,
      // What it serves is for whoever lists processes.
      argv: ['bryo-monitor', ...args, config.name, config.id, config.dataRoot],
      env: Object.entries({ ...engine.facts.runtimeEnv, ...SMALL_HEAP, ...env }).map(
        ([name, value]) => `${name}=${value}`,
      ),
    },
    fds: [file, ...roles.map(([, fd]) => fd), ...held],
  }
}

/** Closes the document of a launch that another process has taken over. */
export function closeMonitorFile({ fds }: MonitorLaunch): void {
  const [file] = fds
  if (file !== undefined) closeSync(file)
}

/** The command line that calls bryo on this store, up to where a command follows. */
function bryoCommand({ store, options }: Engine): readonly string[] {
  const driver = options.storageDriver === undefined ? [] : ['--storage-driver', options.storageDriver]
  const stores = (options.additionalStores ?? []).flatMap((path) => [
    '--storage-opt',
    `additionalimagestore=${path}`,
  ])
  return [
    installedFile('bin', 'bryo'),
    '--root',
    store.dataRoot,
    '--runroot',
    store.runRoot,
    ...driver,
    ...stores,
  ]
}

function hostEnvironment({ facts }: Engine): readonly string[] {
  return Object.entries(facts.env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
}
