import { openSync } from 'node:fs'
import { BryoError } from '../../../base/errors.ts'
import type { ImageConfig } from '../../../base/image.ts'
import { runtimeDirectory } from '../../../base/runtimeDirectory.ts'
import { SIGKILL } from '../../../base/signals.ts'
import { type EnteredProcess, enterContainer } from '../../../runtime/enter.ts'
import { resolveSecurity } from '../../../runtime/security.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState, isProcessAlive, type ProcessRef } from '../../../storage/container/state.ts'
import { appendEvent } from '../../../storage/events.ts'
import { ownFd } from '../../../syscall/fd.ts'
import { O } from '../../../syscall/file.ts'
import { getWindowSize, isTerminal } from '../../../syscall/tty.ts'
import { readIdMaps } from '../../../userns/nested.ts'
import type { Engine } from '../../engine.ts'
import { containerCapabilities } from '../capabilities.ts'
import { planConfinement } from '../confinement.ts'
import { buildEnvironment } from '../environment.ts'
import { containerEvent } from '../event.ts'
import { hostnameOf } from '../hostname.ts'
import { planContainerIds } from '../ids.ts'
import { awaitProcess } from '../lifecycle.ts'
import type { AttachEnd, AttachOptions } from '../monitor/attach.ts'
import { processLimitOf } from '../outline.ts'
import type { ContainerRequest } from '../request.ts'
import { containerSeccomp } from '../seccomp.ts'
import { secretEnvironment } from '../secrets.ts'
import { containerSettings } from '../settings.ts'
import { processOf } from '../spec.ts'
import { openContainerStdio } from '../stdio.ts'
import { systemdEnvironment } from '../systemd.ts'
import { planUser } from '../user.ts'

/** What a user asks of a further process in a container. */
export interface ExecRequest {
  readonly command: readonly string[]
  /** `NAME=value`, later ones win. */
  readonly env: readonly string[]
  readonly workdir: string | undefined
  readonly user: string | undefined
  readonly interactive: boolean
  readonly tty: boolean
  readonly privileged: boolean
  readonly preservedFds: readonly number[]
}

/**
 * Runs a process in a running container.
 * @returns how it ended, or undefined where it was left in the background
 * @throws BryoError INVALID_STATE, NOT_FOUND, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
 */
export async function execInContainer(
  engine: Engine,
  name: string,
  request: ExecRequest,
  attach: AttachOptions | undefined,
): Promise<AttachEnd | undefined> {
  const record = requireContainer(engine.store, name)
  const init = runningInit(engine, record)
  const { tty, interactive } = request
  using stdio = openContainerStdio({ tty, interactive, kind: attach ? 'inherited' : 'own' })
  const attachment = attach && (await import('../monitor/attach.ts'))
  if (attach) attachment?.holdSignals(attach)
  // A process that the caller can leave by its keys must not end with this one.
  const detached = attach === undefined || (tty && attach.detachKeys.byteLength > 0)
  // Nobody reads what it writes; the caller's own output would be held open by it.
  using nothing = attach ? undefined : ownFd(openSync('/dev/null', O.rdwr | O.cloexec))
  const ends = nothing ? { stdin: undefined, stdout: nothing.fd, stderr: nothing.fd } : stdio.theirs
  const entered = await enter(engine, { record, init, request, detached, stdio: ends }).catch(
    (error: unknown) => {
      // A container's other processes and its namespaces go a moment before its first process is seen to have ended.
      const ofCommand = error instanceof BryoError && COMMAND_ERRORS.includes(error.code)
      if (!ofCommand && awaitProcess(init, ENDING_MS)) throw notRunning(record, 'exited')
      throw error
    },
  )
  stdio.closeTheirs()
  appendEvent(engine.store, containerEvent(record, 'exec'))
  if (!attach || !attachment) return undefined
  const end = attachment.relayProcess(
    entered,
    { ...stdio.ours, ...terminalOf(entered) },
    { ...attach, terminal: tty },
  )
  if (end.kind === 'exited') {
    appendEvent(engine.store, { ...containerEvent(record, 'exec_died'), exitCode: end.exitCode })
  }
  return end
}

function terminalOf({ terminalFd }: EnteredProcess) {
  return terminalFd === undefined ? {} : { terminal: terminalFd }
}

const COMMAND_ERRORS: readonly string[] = ['COMMAND_NOT_FOUND', 'COMMAND_NOT_EXECUTABLE', 'USAGE']
const ENDING_MS = 500

/** @throws BryoError INVALID_STATE */
export function runningInit({ store }: Engine, record: ContainerRecord): ProcessRef {
  const state = effectiveState(store, record.id)
  if (state.status === 'running') return state.process
  throw notRunning(record, state.status)
}

function notRunning({ name }: ContainerRecord, status: string): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `can only create exec sessions on running containers: container "${name}" is ${status}, expected running`,
  )
}

export interface Entering {
  readonly record: ContainerRecord
  readonly init: ProcessRef
  readonly request: ExecRequest
  /** It goes on where this process ends. */
  readonly detached: boolean
  readonly stdio: Parameters<typeof enterContainer>[0]['stdio'] | undefined
}

/** Adds a process to a container. @throws BryoError */
export async function enter(
  engine: Engine,
  { record, init, request, detached, stdio }: Entering,
): Promise<EnteredProcess> {
  const { config, image } = containerSettings(engine, record)
  const container = mergeRequest(config.request, request)
  const security = resolveSecurity({ options: container.securityOpt, privileged: container.privileged })
  const capabilities = containerCapabilities(container)
  const seccomp = await containerSeccomp(engine, security, capabilities.root)
  return enterContainer({
    initPid: init.pid,
    isStillInit: () => isProcessAlive(init),
    maps: readIdMaps(init.pid),
    process: processOf({
      request: container,
      security,
      confinement: planConfinement(security, record.id),
      capabilities: capabilities.root,
      args: request.command,
      env: environmentOf(engine, { record, container, image }, request),
      cwd: container.workdir ?? (image?.workingDir || '/'),
    }),
    capabilities,
    seccomp,
    landlock: security.landlock,
    joinGroup: await groupOf(engine, record, init),
    processLimit: processLimitOf(container),
    user: { ...planUser(engine, container, image, idsOf(engine, container)), addEntries: false },
    preservedFds: request.preservedFds,
    personality: container.personality,
    parentDeathSignal: detached ? 0 : SIGKILL,
    stdio: stdio ?? { stdin: request.interactive ? 0 : undefined, stdout: 1, stderr: 2 },
    initialWindow: request.tty && isTerminal(1) ? getWindowSize(1) : undefined,
    debug: engine.facts.debug,
  })
}

/** What moves a process into the container's control group. */
async function groupOf(
  engine: Engine,
  { id }: ContainerRecord,
  init: ProcessRef,
): Promise<((pid: number) => void) | undefined> {
  const state = effectiveState(engine.store, id)
  const cgroup = 'cgroup' in state ? state.cgroup : undefined
  if (cgroup === undefined) return undefined
  const { joinFirstProcess } = await import('../../../cgroup/place.ts')
  const joining = { init: init.pid, runtimeDirectory: runtimeDirectory(engine.facts) }
  return (pid) => joinFirstProcess(cgroup, pid, joining)
}

/** Which user the maps keep, by default none; the maps themselves are read back from the container. */
function idsOf(engine: Engine, container: ContainerRequest) {
  return container.userns === undefined ? {} : planContainerIds(engine, container)
}

/** The container's own settings, with what this process is to have differently. */
function mergeRequest(container: ContainerRequest, request: ExecRequest): ContainerRequest {
  return {
    ...container,
    tty: request.tty,
    privileged: container.privileged || request.privileged,
    ...(request.workdir !== undefined && { workdir: request.workdir }),
    ...(request.user !== undefined && { user: request.user }),
  }
}

interface Entered {
  readonly record: ContainerRecord
  readonly container: ContainerRequest
  readonly image: ImageConfig | undefined
}

/** The container's own environment, secrets included, and then what is asked for. */
function environmentOf(
  engine: Engine,
  { record, container, image }: Entered,
  { env }: ExecRequest,
): readonly string[] {
  const own = [
    ...container.env,
    ...systemdEnvironment(container, record.id),
    ...secretEnvironment(engine, container),
  ]
  const hostname = hostnameOf(engine, record, container)
  return buildEnvironment({ ...container, env: [...own, ...env] }, image, hostname)
}
