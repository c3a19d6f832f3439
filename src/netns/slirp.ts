import { closeSync, openSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import { pipe, pollReadable, readFd } from '../syscall/fd.ts'
import { O } from '../syscall/file.ts'
import { type CloseOptions, type Helper, type HelperRequest, lastWords, startHelper } from './helper.ts'
import { checkTunDevice, tunError } from './program.ts'
import { type ApiSocket, openApiSocket } from './slirp-api.ts'
import type { SlirpOptions } from './slirp-options.ts'

/** Protections of slirp4netns that a kernel or an outer sandbox may refuse it. */
export type SlirpProtection = 'sandbox' | 'seccomp'

export interface SlirpRequest {
  /** Path of slirp4netns. */
  readonly program: string
  /**
   * A process in the container's user and network namespaces. Until {@link SlirpHandle.waitReady} is back it must live, and the
   * caller must be able to open its /proc/PID/ns: slirp4netns looks there twice. A process that changes its user id
   * has to make itself dumpable again.
   */
  readonly pid: number
  readonly options: SlirpOptions
  /** Where its control socket is made, in a directory of the caller's alone; needed to publish ports through it. */
  readonly apiSocketPath?: string | undefined
  /** It is started as root of the container's user namespace, not as the caller: for one who is root of the host. */
  readonly asContainerRoot?: boolean
  /** See {@link HelperRequest.hidden}. */
  readonly hidden?: boolean
}

export interface SlirpHandle {
  readonly pid: number
  /** See {@link Helper.exitFd}. */
  readonly exitFd: number
  /** Protections that slirp4netns said it cannot use here, each with its words. */
  readonly dropped: ReadonlyMap<SlirpProtection, string>
  /**
   * Blocks until tap0 and lo are up.
   * @throws BryoError NETWORK, with what slirp4netns wrote, where it has died or the time is over; DEVICE_MISSING
   */
  waitReady(timeoutMs: number): void
  close(options?: CloseOptions): void
}

interface Fds {
  readonly ready: number
  readonly exit: number
  /** The container's network namespace, for a slirp4netns that is in the user namespace already. */
  readonly network?: number | undefined
  /** The directory of the control socket. */
  readonly api?: { readonly directory: number; readonly name: string } | undefined
}

/** The command line. @see slirp4netns(1), version 1.2.0 or later */
export function slirpArguments(
  { pid, options }: Pick<SlirpRequest, 'pid' | 'options'>,
  fds: Fds,
  dropped: ReadonlyMap<SlirpProtection, string> = new Map(),
): string[] {
  return [
    'slirp4netns',
    ...(options.allowHostLoopback ? [] : ['--disable-host-loopback']),
    ...(dropped.has('sandbox') ? [] : ['--enable-sandbox']),
    ...(dropped.has('seccomp') ? [] : ['--enable-seccomp']),
    ...(options.enableIpv6 ? ['--enable-ipv6'] : []),
    `--mtu=${options.mtu}`,
    `--cidr=${options.cidr}`,
    ...(options.outboundAddr === undefined ? [] : [`--outbound-addr=${options.outboundAddr}`]),
    ...(options.outboundAddr6 === undefined ? [] : [`--outbound-addr6=${options.outboundAddr6}`]),
    ...(options.macAddress === undefined ? [] : [`--macaddress=${options.macAddress}`]),
    ...(fds.api ? [`--api-socket=/proc/self/fd/${fds.api.directory}/${fds.api.name}`] : []),
    '--configure',
    `--ready-fd=${fds.ready}`,
    `--exit-fd=${fds.exit}`,
    ...(fds.network === undefined ? [String(pid)] : ['--netns-type=path', `/proc/self/fd/${fds.network}`]),
    'tap0',
  ]
}

/**
 * Starts slirp4netns on a process's namespaces and returns at once, so that other work can go on until
 * {@link SlirpHandle.waitReady}. It sees nothing of this process's environment and has no standard input.
 * @throws BryoError DEVICE_MISSING
 */
export function startSlirp4netns(request: SlirpRequest): SlirpHandle {
  checkTunDevice()
  const dropped = new Map<SlirpProtection, string>()
  let attempt = startAttempt(request, dropped)
  return {
    get pid() {
      return attempt.helper.pid
    },
    get exitFd() {
      return attempt.helper.exitFd
    },
    dropped,
    waitReady(timeoutMs) {
      let retries = RETRIES
      for (;;) {
        const failure = waitForReadyByte(attempt, timeoutMs)
        if (failure === undefined) return
        attempt.helper.close()
        if (retries > 0 && HIDDEN.test(failure)) {
          retries -= 1
          attempt = startAttempt(request, dropped)
          continue
        }
        const protection = refusedProtection(failure)
        if (!protection || dropped.has(protection)) throw slirpError(failure)
        dropped.set(protection, failure)
        attempt = startAttempt(request, dropped)
      }
    },
    close(options) {
      attempt.closeReady()
      attempt.helper.close(options)
    },
  }
}

/** A process that changes its user id is hidden from others until it makes itself dumpable again. */
const HIDDEN = /\/proc\/\d+\/ns\/\w+: Permission denied/
const RETRIES = 3

interface Attempt {
  readonly helper: Helper
  readonly readyFd: number
  closeReady(): void
}

function startAttempt(request: SlirpRequest, dropped: ReadonlyMap<SlirpProtection, string>): Attempt {
  const { pid, asContainerRoot, apiSocketPath, hidden = false } = request
  using undo = new DisposableStack()
  const own = (fd: number) => undo.adopt(fd, closeSync)
  const api: ApiSocket | undefined =
    apiSocketPath === undefined ? undefined : openApiSocket(apiSocketPath, { remove: true })
  if (api) own(api.directory)
  const namespace = (name: string) =>
    asContainerRoot ? own(openSync(`/proc/${pid}/ns/${name}`, O.rdonly | O.cloexec)) : undefined
  const [network, userFd] = [namespace('net'), namespace('user')]
  const [readyFd, readyWrite] = pipe()
  own(readyWrite)
  try {
    const helper = startHelper({
      path: request.program,
      argv: (exit) => slirpArguments(request, { ready: readyWrite, exit, api, network }, dropped),
      fds: [readyWrite, api?.directory, network].filter((fd) => fd !== undefined),
      userFd,
      hidden,
    })
    return { helper, readyFd, closeReady: closeOnce(readyFd) }
  } catch (error) {
    closeSync(readyFd)
    throw error
  }
}

function closeOnce(fd: number): () => void {
  let open = true
  return () => {
    if (open) closeSync(fd)
    open = false
  }
}

/** Undefined once slirp4netns has said that it is ready, else why it will not be. */
function waitForReadyByte({ helper, readyFd, closeReady }: Attempt, timeoutMs: number): string | undefined {
  const answered = pollReadable(readyFd, timeoutMs)
  const ready = answered && readFd(readyFd, Buffer.alloc(1)) === 1
  closeReady()
  if (!ready) {
    const words = lastWords(helper.readLog())
    return answered ? words : `not ready after ${timeoutMs} ms${words && `: ${words}`}`
  }
  helper.endLog()
  return undefined
}

function refusedProtection(words: string): SlirpProtection | undefined {
  if (words.includes('create_sandbox failed')) return 'sandbox'
  if (words.includes('enable_seccomp failed')) return 'seccomp'
  return undefined
}

function slirpError(words: string): BryoError {
  const tun = /open\("\/dev\/net\/tun"\): (.*?)(;|$)/.exec(words)?.[1]
  if (tun !== undefined) return tunError('/dev/net/tun', tun.toLowerCase())
  return new BryoError('NETWORK', `cannot start "slirp4netns": ${words || 'it ended without a message'}`, {
    hint: 'run without network: --network none',
  })
}
