import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { assertNever } from '../base/assert.ts'
import { BryoError } from '../base/errors.ts'
import type { HostIds } from '../base/hostIds.ts'
import type { PortMapping } from '../base/port.ts'
import { startForwarder } from './forward/forwarder.ts'
import type { CloseOptions } from './helper.ts'
import { isLoopback } from './ip.ts'
import { startPasta } from './pasta.ts'
import type { NetworkPlan } from './plan.ts'
import { findNetworkProgram } from './program.ts'
import { formatMapping, hostAddressBytes } from './publish.ts'
import { startSlirp4netns } from './slirp.ts'
import { addHostForwards } from './slirp-api.ts'
import { type SlirpOptions, slirpAddresses } from './slirp-options.ts'

export interface NetworkStart {
  readonly plan: Pick<NetworkPlan, 'helper'>
  /** As allocateHostPorts() gives them. */
  readonly ports: readonly PortMapping[]
  /** See SlirpRequest.pid. */
  readonly pid: number
  /** A directory of the caller's alone (0700) for sockets. */
  readonly runDir: string
  /** $PATH. */
  readonly searchPath?: string
  /** Who the container's root is on the host, where the caller is the host's root: then those who serve the network are it too. */
  readonly containerRoot?: HostIds | undefined
  /** The container sees the host's processes: those who serve its network must be out of its reach. pasta and the forwarder hide themselves. */
  readonly hidden?: boolean
}

/** A process that serves the network, to be recorded or taken over. */
export interface NetworkProcess {
  readonly pid: number
  readonly exitFd: number
}

export interface RunningNetwork {
  /** Complete once {@link waitReady} is back. */
  processes(): readonly NetworkProcess[]
  /** Why protections of slirp4netns are off, for a debug log. */
  readonly notes: readonly string[]
  /**
   * Blocks until the interface is up and the ports are published; where that fails nothing is left running.
   * @throws BryoError NETWORK, PORT_IN_USE, PERMISSION, DEVICE_MISSING
   */
  waitReady(timeoutMs: number): void
  close(options?: CloseOptions): void
}

/**
 * Starts what a plan needs and returns at once, so that the container can be built meanwhile. The processes end with the last holder
 * of their exit pipes, at the latest with this process.
 * @throws BryoError TOOL_MISSING, DEVICE_MISSING
 */
export function startNetwork(start: NetworkStart): RunningNetwork {
  const { helper } = start.plan
  switch (helper.kind) {
    case 'none':
      return { processes: () => [], notes: [], waitReady() {}, close() {} }
    case 'pasta': {
      if (start.containerRoot) refuseRootsPorts(start.ports)
      const pasta = startPasta({
        program: findNetworkProgram('pasta', start.searchPath),
        pid: start.pid,
        arguments: helper.arguments,
        mappings: start.ports,
        readyPath: join(socketDirectory(start), 'pasta.ready'),
        containerRoot: start.containerRoot,
      })
      return { ...pasta, processes: () => [pasta], notes: [] }
    }
    case 'slirp4netns':
      return startSlirp(start, helper.options)
    default:
      return assertNever(helper)
  }
}

function startSlirp(start: NetworkStart, options: SlirpOptions): RunningNetwork {
  const { ports, pid, searchPath, containerRoot, hidden = false } = start
  const carriers = portCarriers(ports, options, { asRoot: containerRoot !== undefined })
  const apiSocketPath =
    carriers.slirp.length > 0 ? join(socketDirectory(start), 'slirp4netns.sock') : undefined
  const slirp = startSlirp4netns({
    program: findNetworkProgram('slirp4netns', searchPath),
    pid,
    options,
    apiSocketPath,
    asContainerRoot: containerRoot !== undefined,
    hidden,
  })
  const running: { pid: number; exitFd: number; close(options?: CloseOptions): void }[] = [slirp]
  const notes: string[] = []
  const close = (closeOptions?: CloseOptions) => {
    for (const process of running) process.close(closeOptions)
  }
  return {
    processes: () => running,
    notes,
    close,
    waitReady(timeoutMs) {
      try {
        slirp.waitReady(timeoutMs)
        for (const [what, why] of slirp.dropped) notes.push(`slirp4netns runs without its ${what}: ${why}`)
        if (apiSocketPath !== undefined) addHostForwards(apiSocketPath, carriers.slirp)
        const containerAddress = slirpAddresses(options).container
        if (carriers.forwarder.length > 0) {
          running.push(
            startForwarder({
              pid,
              containerAddress,
              mappings: carriers.forwarder,
              asContainerRoot: containerRoot !== undefined,
            }),
          )
        }
      } catch (error) {
        close()
        throw error
      }
    },
  }
}

/** The program makes its socket itself; in a directory of its own, it can put nothing else in the way. */
function socketDirectory({ runDir, containerRoot }: NetworkStart): string {
  if (!containerRoot) return runDir
  const directory = join(runDir, 'helper')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chownSync(directory, containerRoot.uid, containerRoot.gid)
  return directory
}

const PRIVILEGED_PORTS = 1024

/** pasta binds its ports itself, and is not root where the caller is. */
function refuseRootsPorts(ports: readonly PortMapping[]): void {
  const port = ports.find(({ hostPort }) => hostPort < PRIVILEGED_PORTS)
  if (!port) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot publish port "${formatMapping(port)}" through pasta: it does not run as root, expected port ${PRIVILEGED_PORTS} or higher`,
    { hint: 'use the default network instead: --network slirp4netns' },
  )
}

export interface PortCarriers {
  readonly slirp: readonly PortMapping[]
  readonly forwarder: readonly PortMapping[]
}

/**
 * Who carries which port. slirp4netns keeps the client's address, so it has all that it can serve. It knows no IPv6 address of the
 * host, and its answers to UDP clients on the host's loopback are lost where it must not reach that loopback: those are
 * the forwarder's, which takes a loopback address from slirp4netns by being bound to it more closely. So are the ports that only root may
 * bind, because slirp4netns is not root even where the caller is.
 */
export function portCarriers(
  ports: readonly PortMapping[],
  options: SlirpOptions,
  { asRoot = false }: { readonly asRoot?: boolean } = {},
): PortCarriers {
  if (options.portHandler === 'rootlesskit') return { slirp: [], forwarder: ports }
  const slirp: PortMapping[] = []
  const forwarder: PortMapping[] = []
  for (const port of ports) {
    const address = hostAddressBytes(port.hostIp)
    const lostAnswers = port.protocol === 'udp' && !options.allowHostLoopback
    const isRoots = asRoot && port.hostPort < PRIVILEGED_PORTS
    if (isRoots || address.length === 16 || (lostAnswers && isLoopback(address))) {
      forwarder.push(port)
      continue
    }
    slirp.push(port)
    if (lostAnswers && port.hostIp === '') forwarder.push({ ...port, hostIp: '127.0.0.1' })
  }
  return { slirp, forwarder }
}
