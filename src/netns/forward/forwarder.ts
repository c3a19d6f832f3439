import { closeSync, openSync } from 'node:fs'
import { BryoError, messageOf } from '../../base/errors.ts'
import type { PortMapping } from '../../base/port.ts'
import { capset } from '../../syscall/capability.ts'
import { closeAllFdsBut, dup2, pipe, pollReadable, readFd, writeFd } from '../../syscall/fd.ts'
import { setns } from '../../syscall/namespace.ts'
import {
  chdir,
  forkChild,
  getrlimit,
  RLIMIT,
  setDumpable,
  setNoNewPrivileges,
  setProcessName,
  setrlimit,
  setsid,
} from '../../syscall/process.ts'
import { type InetAddress, listen } from '../../syscall/socket.ts'
import { becomeRootInside, type Helper, helperHandle } from '../helper.ts'
import { bindMapping } from '../ports.ts'
import { hostAddressBytes } from '../publish.ts'
import { runLoop } from './loop.ts'
import { forwardTcp } from './tcp.ts'
import { forwardUdp } from './udp.ts'

export interface ForwarderRequest {
  /** A process in the container's user and network namespaces. */
  readonly pid: number
  /** IPv4 address in the container. */
  readonly containerAddress: string
  readonly mappings: readonly PortMapping[]
  /** Becomes the root of the container's user namespace: for a caller who is the root of the host. */
  readonly asContainerRoot: boolean
}

interface Listener {
  readonly fd: number
  readonly mapping: PortMapping
}

const READY_TIMEOUT_MS = 5000
const BACKLOG = 128

/**
 * A process that carries published ports from the host's sockets to sockets of its own in the container's network. It serves what
 * slirp4netns cannot: IPv6 addresses of the host, and UDP clients on the host's loopback. The container sees its own address as the client's.
 * The ports are bound, and served, when this returns.
 * @throws BryoError PORT_IN_USE, PERMISSION, NETWORK
 */
export function startForwarder(request: ForwarderRequest): Helper {
  using undo = new DisposableStack()
  const own = (fd: number) => undo.adopt(fd, closeSync)
  const listeners = request.mappings.map((mapping): Listener => {
    const fd = own(bindMapping(mapping, { nonBlocking: true, share: true }))
    if (mapping.protocol === 'tcp') listen(fd, BACKLOG)
    return { fd, mapping }
  })
  const user = own(openSync(`/proc/${request.pid}/ns/user`, 'r'))
  const network = own(openSync(`/proc/${request.pid}/ns/net`, 'r'))
  const [readyRead, readyWrite] = pipe()
  own(readyRead)
  const [exitRead, exitFd] = pipe()
  const pid = forkChild(() => {
    try {
      enter({
        user,
        network,
        asContainerRoot: request.asContainerRoot,
        keep: [...listeners.map((l) => l.fd), exitRead, readyWrite],
      })
      serve(listeners, {
        address: hostAddressBytes(request.containerAddress),
        exitFd: exitRead,
        readyFd: readyWrite,
      })
      return 0
    } catch (error) {
      writeFd(readyWrite, Buffer.from(messageOf(error)))
      return 1
    }
  })
  closeSync(readyWrite)
  closeSync(exitRead)
  const helper = helperHandle({ pid, exitFd })
  const answer = Buffer.alloc(512)
  const length = pollReadable(readyRead, READY_TIMEOUT_MS) ? readFd(readyRead, answer) : 0
  const text = answer.toString('utf8', 0, length)
  if (text === READY) return helper
  helper.close()
  throw new BryoError('NETWORK', `cannot start the port forwarder: ${text || 'it does not answer'}`)
}

const READY = 'ready'

interface Entry {
  readonly user: number
  readonly network: number
  readonly asContainerRoot: boolean
  readonly keep: readonly number[]
}

/** Sockets keep the network namespace that they were made in: the listeners stay in the host's. */
function enter({ user, network, asContainerRoot, keep }: Entry): void {
  setns(user, ['user'])
  setns(network, ['network'])
  if (asContainerRoot) becomeRootInside()
  setsid()
  setProcessName('bryo-ports')
  chdir('/')
  const nothing = openSync('/dev/null', 'r+')
  for (const fd of [0, 1, 2]) dup2(nothing, fd)
  closeAllFdsBut([0, 1, 2, ...keep])
  capset({ effective: 0n, permitted: 0n, inheritable: 0n })
  setNoNewPrivileges()
  // It is in the host's mount namespace: a container that shares the host's processes must not get into it.
  setDumpable(false)
  const { hard } = getrlimit(RLIMIT.nofile)
  setrlimit(RLIMIT.nofile, { soft: hard, hard })
}

function expireAll(actions: readonly (() => void)[]): void {
  for (const action of actions) action()
}

const TICK_MS = 10_000

interface Service {
  readonly address: Uint8Array
  readonly exitFd: number
  readonly readyFd: number
}

function serve(listeners: readonly Listener[], { address, exitFd, readyFd }: Service): void {
  const expire: (() => void)[] = []
  runLoop({ exitFd, tickMs: TICK_MS, tick: () => expireAll(expire) }, (loop) => {
    for (const { fd, mapping } of listeners) {
      const target: InetAddress = { address, port: mapping.containerPort }
      if (mapping.protocol === 'tcp') forwardTcp(loop, { listenFd: fd, target })
      else expire.push(forwardUdp(loop, { listenFd: fd, target }))
    }
    writeFd(readyFd, Buffer.from(READY))
    closeSync(readyFd)
  })
}
