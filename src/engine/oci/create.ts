import { openSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { removeGroup } from '../../cgroup/group.ts'
import type { CgroupManager } from '../../cgroup/ociPlace.ts'
import { grantCapabilities } from '../../runtime/oci/capabilities.ts'
import { MAX_CONFIG_BYTES, parseConfig } from '../../runtime/oci/config/parse.ts'
import type { OciConfig } from '../../runtime/oci/config/types.ts'
import { NamespaceRefusal } from '../../runtime/oci/fork.ts'
import { createContainer } from '../../runtime/oci/launch.ts'
import type { ContainerPlan } from '../../runtime/oci/plan.ts'
import { planContainer } from '../../runtime/oci/planContainer.ts'
import { compileSection } from '../../runtime/oci/seccomp.ts'
import { runAllHooks } from '../../runtime/oci/stage/hooks.ts'
import { stateDocument } from '../../runtime/oci/state.ts'
import { writeFileAtomic } from '../../storage/atomic.ts'
import { ownFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { bootId, processStartTime } from '../../syscall/proc.ts'
import { umask } from '../../syscall/process.ts'
import { listenUnixMessages } from '../../syscall/socket.ts'
import { readIdentity } from '../../userns/identity.ts'
import { diagnoseUnshareFailure } from '../../userns/unshare-failure.ts'
import { writeIdMaps } from '../../userns/write.ts'
import {
  type ClaimedContainer,
  checkIdUnused,
  claimContainer,
  type OciRecord,
  removeContainerDirectory,
  STAGING,
  socketPath,
  writeConfigCopy,
  writeRecord,
} from './container.ts'
import { type PlannedGroup, planGroup } from './group.ts'
import { availableCapabilities, isHostRoot, readHostCgroups, readHostSecurity } from './host.ts'
import { type ConsoleConnection, connectConsole } from './terminal.ts'

export interface OciCaller {
  readonly facts: HostFacts
  /** See openStateRoot(). */
  readonly stateRoot: string
  /** Who makes control groups; undefined where nobody does. */
  readonly cgroupManager: CgroupManager | undefined
  readonly onWarning: (text: string) => void
}

export interface CreateOptions {
  readonly id: string
  readonly bundle: string
  readonly pidFile: string | undefined
  readonly consoleSocket: string | undefined
  readonly preservedFds: number
  /** The caller waits for the container, and serves its terminal where there is no socket for that. */
  readonly foreground: boolean
}

export interface CreatedContainer {
  readonly record: OciRecord
  /** Master end of a terminal that the caller serves. */
  readonly masterFd: number | undefined
}

/**
 * Creates a container from a bundle: it waits for `start`, and lives on without this process.
 * @throws BryoError; nothing is left of the container then
 */
export async function createFromBundle(caller: OciCaller, options: CreateOptions): Promise<CreatedContainer> {
  const bundle = resolve(caller.facts.cwd, options.bundle)
  const path = join(bundle, 'config.json')
  const content = readConfig(path)
  const config = parseConfig(content, path)
  using terminal = connectConsole({
    cwd: caller.facts.cwd,
    socket: options.consoleSocket,
    terminal: config.process.terminal,
    foreground: options.foreground,
  })
  checkIdUnused(caller.stateRoot, options.id)
  const group = planGroup({
    id: options.id,
    facts: caller.facts,
    manager: caller.cgroupManager,
    linux: config.linux,
    onWarning: caller.onWarning,
  })
  const claimed = claimContainer(caller.stateRoot, options.id)
  using _lock = claimed.lock
  const record: OciRecord = {
    id: options.id,
    bundle,
    ociVersion: config.ociVersion,
    annotations: config.annotations,
    directory: claimed.directory,
    rootfs: resolve(bundle, config.root.path),
    cgroup: group.directory,
    created: new Date().toISOString(),
    owner: caller.facts.uid,
    process: undefined,
  }
  try {
    writeRecord(record, 'creating')
    writeConfigCopy(claimed.directory, content)
    const plan = await makePlan(caller, config, record, options)
    const created = launch(caller, plan, { claimed, record, group, terminal, pidFile: options.pidFile })
    return { record: created, masterFd: terminal.kept() }
  } catch (error) {
    undo(caller, config, record)
    throw error
  }
}

/** Beside the containers, by a name that none of them can have. */
export function seccompCache(stateRoot: string): string {
  return join(stateRoot, '.seccomp')
}

/** @throws BryoError NOT_FOUND, USAGE */
export function readConfig(path: string): string {
  try {
    const stat = statSync(path)
    if (!stat.isFile() || stat.size > MAX_CONFIG_BYTES) {
      const found = stat.isFile() ? `${stat.size} bytes` : 'not a file'
      throw new BryoError(
        'USAGE',
        `cannot read "${path}": ${found}, expected a file of at most ${MAX_CONFIG_BYTES} bytes`,
      )
    }
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error
    throw new BryoError('NOT_FOUND', `cannot read "${path}": ${messageOf(error)}`, { cause: error })
  }
}

async function makePlan(
  { facts, stateRoot, onWarning }: OciCaller,
  config: OciConfig,
  { id, bundle, directory }: OciRecord,
  { preservedFds }: CreateOptions,
): Promise<ContainerPlan> {
  const ownUserNamespace = config.linux.namespaces.some(({ type }) => type === 'user')
  const granted = grantCapabilities(config.process.capabilities, availableCapabilities(ownUserNamespace))
  for (const warning of granted.warnings) onWarning(warning)
  const { seccomp } = config.linux
  const filter =
    seccomp === undefined
      ? undefined
      : await compileSection({
          text: seccomp,
          document: join(bundle, 'config.json'),
          capabilities: granted.plan.bounding,
          cacheDirectory: seccompCache(stateRoot),
        })
  return planContainer(config, {
    id,
    bundle,
    uid: facts.uid,
    isHostRoot: isHostRoot(facts.uid),
    cgroups: readHostCgroups(),
    security: readHostSecurity(),
    staging: join(directory, STAGING),
    capabilities: granted.plan,
    seccomp: filter,
    preservedFds,
    debug: facts.debug,
  })
}

interface Launch {
  readonly claimed: ClaimedContainer
  readonly record: OciRecord
  readonly group: PlannedGroup
  readonly terminal: ConsoleConnection
  readonly pidFile: string | undefined
}

function launch(
  { facts }: OciCaller,
  plan: ContainerPlan,
  { claimed, record, group, terminal, pidFile }: Launch,
): OciRecord {
  using place = ownFd(openSync(claimed.directory, O.path | O.directory | O.cloexec))
  using listening = ownFd(listen(place.fd))
  let created = record
  try {
    createContainer(plan, listening.fd, {
      writeIdMaps: (pid, maps) => {
        const searchPath = facts.env.PATH
        const identity = readIdentity({ uid: facts.uid, gid: facts.gid, searchPath })
        writeIdMaps(pid, maps, { identity, searchPath })
      },
      enterGroup: (pid) => {
        created = { ...record, cgroup: group.enter(pid) }
      },
      onTerminal: terminal.send,
      onCreated: (pid) => {
        created = { ...created, process: processRef(pid) }
        writeRecord(created, 'created')
        if (pidFile !== undefined) writePidFile(resolve(facts.cwd, pidFile), pid)
      },
    })
  } catch (error) {
    if (!(error instanceof NamespaceRefusal) || !plan.namespaces.create.includes('user')) throw error
    throw diagnoseUnshareFailure(error.errno)
  }
  return created
}

/** Its mode keeps others out, as the directory's does. */
function listen(directoryFd: number): number {
  const before = umask(0o077)
  try {
    return listenUnixMessages(socketPath(directoryFd))
  } finally {
    umask(before)
  }
}

function processRef(pid: number): OciRecord['process'] {
  const startTime = processStartTime(pid)
  if (startTime === undefined)
    throw new BryoError('RUNTIME', 'cannot create the container: its process has ended')
  return { pid, startTime, bootId: bootId() }
}

/** Whole or not at all: somebody may wait for it. */
export function writePidFile(path: string, pid: number): void {
  writeFileAtomic(path, String(pid), { durable: false, mode: 0o644 })
}

/** A creation that failed ends as a deletion does, its hooks included. */
function undo({ onWarning }: OciCaller, config: OciConfig, record: OciRecord): void {
  if (record.cgroup !== undefined) removeGroup(record.cgroup)
  removeContainerDirectory(record.directory)
  const failures = runAllHooks('poststop', config.hooks.poststop, stateDocument(record, 'stopped', 0))
  for (const failure of failures) onWarning(failure)
}
