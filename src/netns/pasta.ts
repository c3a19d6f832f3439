import { chownSync, closeSync, openSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { BryoError } from '../base/errors.ts'
import type { HostIds } from '../base/hostIds.ts'
import type { PortMapping } from '../base/port.ts'
import { pollReadable, readFd } from '../syscall/fd.ts'
import { AT_FDCWD, mknodat, O, S_IF } from '../syscall/file.ts'
import { type CloseOptions, type Helper, lastWords, startHelper } from './helper.ts'
import { checkTunDevice } from './program.ts'

export interface PastaRequest {
  /** Path of pasta. */
  readonly program: string
  /** A process in the container's namespaces, as for slirp4netns. */
  readonly pid: number
  /** The user's own arguments: they come last and win. */
  readonly arguments: readonly string[]
  readonly mappings: readonly PortMapping[]
  /** A path in a directory of the caller's alone; a FIFO is made and removed there. */
  readonly readyPath: string
  /** Who the container's root is on the host: pasta is started as it, where the caller is root of the host. */
  readonly containerRoot?: HostIds | undefined
}

export interface PastaHandle {
  readonly pid: number
  readonly exitFd: number
  /** Blocks until the interface is configured. @throws BryoError NETWORK with what pasta wrote */
  waitReady(timeoutMs: number): void
  close(options?: CloseOptions): void
}

/** For a pasta that is in the container's user namespace already, and finds no way to the caller's directories. */
interface PastaFds {
  /** The container's network namespace. */
  readonly network: number
  /** The directory of the FIFO. */
  readonly directory: number
}

/** The address at which pasta answers DNS queries by asking the host's resolver. */
export const PASTA_DNS = '169.254.1.1'

/**
 * The command line: nothing of the host's loopback is in reach, and only published ports come in.
 * `--map-gw` among the user's words lets the gateway's address stand for the host, as in Podman; pasta itself has no such option.
 * @see pasta(1)
 */
export function pastaArguments(request: Omit<PastaRequest, 'program'>, fds?: PastaFds): string[] {
  const { pid, mappings, readyPath } = request
  const ports = (protocol: string) =>
    mappings.filter((mapping) => mapping.protocol === protocol).map(portSpec)
  const tcp = ports('tcp')
  const udp = ports('udp')
  return [
    '--config-net',
    '--foreground',
    '--pid',
    fds ? `/proc/self/fd/${fds.directory}/${basename(readyPath)}` : readyPath,
    '--dns-forward',
    PASTA_DNS,
    ...(request.arguments.includes('--map-gw') ? [] : ['--no-map-gw']),
    ...(tcp.length > 0 ? tcp : ['none']).flatMap((spec) => ['--tcp-ports', spec]),
    ...(udp.length > 0 ? udp : ['none']).flatMap((spec) => ['--udp-ports', spec]),
    '--tcp-ns',
    'none',
    '--udp-ns',
    'none',
    ...request.arguments.filter((word) => word !== '--map-gw'),
    ...(fds ? ['--netns-only', '--netns', `/proc/self/fd/${fds.network}`] : [String(pid)]),
  ]
}

function portSpec({ hostIp, hostPort, containerPort }: PortMapping): string {
  return `${hostIp === '' ? '0.0.0.0' : hostIp}/${hostPort}:${containerPort}`
}

/**
 * pasta has no fd that ends it, and stays when its namespace is gone; so a shell is its parent: it ends pasta when it reads the end of
 * the exit pipe or is told to, and ends itself with pasta's status.
 */
const SUPERVISOR = `
program=$1; shift
"$program" "$@" & pasta=$!
trap 'kill $pasta' TERM
{ read -r _ <&3; kill $pasta; } 2>/dev/null & watcher=$!
wait $pasta; status=$?
kill $watcher 2>/dev/null
exit $status`

/** Starts pasta on a process's namespaces and returns at once. @throws BryoError DEVICE_MISSING */
export function startPasta(request: PastaRequest): PastaHandle {
  checkTunDevice()
  mknodat(AT_FDCWD, request.readyPath, S_IF.fifo | 0o600)
  const { containerRoot } = request
  if (containerRoot) chownSync(request.readyPath, containerRoot.uid, containerRoot.gid)
  const readyFd = openSync(request.readyPath, O.rdonly | O.nonblock | O.cloexec)
  let removed = false
  const removeFifo = () => {
    if (removed) return
    removed = true
    closeSync(readyFd)
    unlinkSync(request.readyPath)
  }
  using undo = new DisposableStack()
  const open = (path: string) => undo.adopt(openSync(path, O.rdonly | O.cloexec), closeSync)
  const fds = containerRoot && {
    network: open(`/proc/${request.pid}/ns/net`),
    directory: open(dirname(request.readyPath)),
  }
  let helper: Helper
  try {
    helper = startHelper({
      path: '/bin/sh',
      argv: () => ['sh', '-c', SUPERVISOR, 'bryo-pasta', request.program, ...pastaArguments(request, fds)],
      fds: Object.values(fds ?? {}),
      exitAs: 3,
      userFd: containerRoot && open(`/proc/${request.pid}/ns/user`),
    })
  } catch (error) {
    removeFifo()
    throw error
  }
  return {
    pid: helper.pid,
    exitFd: helper.exitFd,
    waitReady(timeoutMs) {
      try {
        waitForPid(helper, readyFd, timeoutMs)
      } catch (error) {
        helper.close()
        throw error
      } finally {
        removeFifo()
      }
      helper.endLog()
    },
    close(options) {
      removeFifo()
      helper.close(options)
    },
  }
}

const CHECK_MS = 20

/** pasta writes its pid when it is ready; one that fails before that opens nothing, so its end is looked for in between. */
function waitForPid(helper: Helper, readyFd: number, timeoutMs: number): void {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (pollReadable(readyFd, CHECK_MS) && readFd(readyFd, Buffer.alloc(32)) > 0) return
    if (helper.ended()) throw pastaError(lastWords(helper.readLog()) || 'it ended without a message')
  }
  throw pastaError(`not ready after ${timeoutMs} ms`)
}

function pastaError(words: string): BryoError {
  return new BryoError('NETWORK', `cannot start "pasta": ${words}`, {
    hint: 'use the default network instead: --network slirp4netns',
  })
}
