import { resolve } from 'node:path'
import { BryoError } from '../../base/errors.ts'
import { type IdMaps, rootIds } from '../../base/idmap.ts'
import { runtimeDirectory } from '../../base/runtimeDirectory.ts'
import { joinGroup } from '../../cgroup/place.ts'
import { capabilityNumber } from '../../runtime/capabilities.ts'
import { grantCapabilities } from '../../runtime/oci/capabilities.ts'
import { parseConfig, parseProcess } from '../../runtime/oci/config/parse.ts'
import type { OciConfig, OciProcess } from '../../runtime/oci/config/types.ts'
import { execInContainer } from '../../runtime/oci/exec.ts'
import { planProcess } from '../../runtime/oci/planContainer.ts'
import { compileSection } from '../../runtime/oci/seccomp.ts'
import { foreignNamespaces } from '../../syscall/namespace.ts'
import { readIdMaps } from '../../userns/nested.ts'
import { findContainer, isAlive, type OciRecord, readConfigCopy, statusOf } from './container.ts'
import { type OciCaller, readConfig, seccompCache, writePidFile } from './create.ts'
import { availableCapabilities, readHostSecurity } from './host.ts'
import { connectConsole } from './terminal.ts'

export interface ExecOptions {
  /** `--process`: a file with the whole process; the rest of this then does not count. */
  readonly processFile: string | undefined
  readonly args: readonly string[]
  readonly terminal: boolean
  readonly env: readonly string[]
  readonly cwd: string | undefined
  readonly user: { readonly uid: number; readonly gid: number | undefined } | undefined
  readonly additionalGids: readonly number[]
  readonly capabilities: readonly string[]
  readonly noNewPrivileges: boolean
  readonly pidFile: string | undefined
  readonly consoleSocket: string | undefined
  readonly preservedFds: number
  /** As for a creation. */
  readonly foreground: boolean
}

export interface AddedProcess {
  /** A child of this process, which lives on without it. */
  readonly pid: number
  /** Master end of a terminal that the caller serves. */
  readonly masterFd: number | undefined
}

/**
 * Adds a process to a running container.
 * @throws BryoError NOT_FOUND, INVALID_STATE; COMMAND_NOT_FOUND and the like where its program cannot run
 */
export async function execById(caller: OciCaller, id: string, options: ExecOptions): Promise<AddedProcess> {
  const record = findContainer(caller.stateRoot, id)
  const status = statusOf(record)
  if (!record.process || status === 'stopped' || status === 'paused') {
    throw new BryoError(
      'INVALID_STATE',
      `cannot exec in container "${id}": it is ${status}, expected running`,
    )
  }
  const config = parseConfig(readConfigCopy(record), 'config.json')
  const process = processOf(caller, config, options)
  using terminal = connectConsole({
    cwd: caller.facts.cwd,
    socket: options.consoleSocket,
    terminal: process.terminal,
    foreground: options.foreground,
  })
  const { facts } = caller
  const { pid } = record.process
  const inUserNamespace = foreignNamespaces(pid).includes('user')
  const plan = await planAdded(caller, config, process, {
    inUserNamespace,
    preservedFds: options.preservedFds,
  })
  const added = execInContainer({
    process: plan,
    root: inUserNamespace ? rootIds(mapsOf(record, pid)) : undefined,
    initPid: pid,
    isStillInit: () => isAlive(record),
    debug: facts.debug,
    enterGroup: (child) => {
      if (record.cgroup !== undefined) joinGroup(record.cgroup, child, runtimeDirectory(facts))
    },
    onTerminal: terminal.send,
    onCreated: (child) => {
      if (options.pidFile !== undefined) writePidFile(resolve(facts.cwd, options.pidFile), child)
    },
  })
  return { pid: added, masterFd: terminal.kept() }
}

function mapsOf(record: OciRecord, pid: number): IdMaps {
  const maps = readIdMaps(pid)
  if (isAlive(record)) return maps
  throw new BryoError('INVALID_STATE', `cannot exec in container "${record.id}": it has stopped`)
}

async function planAdded(
  { stateRoot, onWarning }: OciCaller,
  config: OciConfig,
  process: OciProcess,
  { inUserNamespace, preservedFds }: { readonly inUserNamespace: boolean; readonly preservedFds: number },
) {
  const granted = grantCapabilities(process.capabilities, availableCapabilities(inUserNamespace))
  for (const warning of granted.warnings) onWarning(warning)
  const { seccomp, personality } = config.linux
  return planProcess(process, {
    capabilities: granted.plan,
    seccomp:
      seccomp === undefined
        ? undefined
        : await compileSection({
            text: seccomp,
            document: 'config.json',
            capabilities: granted.plan.bounding,
            cacheDirectory: seccompCache(stateRoot),
          }),
    security: readHostSecurity(),
    preservedFds,
    personality,
  })
}

function processOf({ facts }: OciCaller, config: OciConfig, options: ExecOptions): OciProcess {
  if (options.processFile !== undefined) {
    const path = resolve(facts.cwd, options.processFile)
    return parseProcess(readConfig(path), path)
  }
  if (options.args.length === 0)
    throw new BryoError('USAGE', 'cannot exec: no program, expected one or --process')
  const { process } = config
  const { user, additionalGids } = options
  return {
    ...process,
    args: options.args,
    env: [...process.env, ...options.env],
    cwd: options.cwd ?? process.cwd,
    terminal: options.terminal,
    noNewPrivileges: options.noNewPrivileges || process.noNewPrivileges,
    user: {
      ...process.user,
      ...(user && { uid: user.uid, gid: user.gid ?? process.user.gid }),
      additionalGids: [...process.user.additionalGids, ...additionalGids],
    },
    capabilities: withCapabilities(process, options.capabilities),
  }
}

/** @throws BryoError USAGE for an unknown name */
function withCapabilities(
  { capabilities }: OciProcess,
  added: readonly string[],
): OciProcess['capabilities'] {
  const names = added.map((text) => {
    const name = text.toUpperCase().startsWith('CAP_') ? text.toUpperCase() : `CAP_${text.toUpperCase()}`
    if (capabilityNumber(name) === undefined) {
      throw new BryoError('USAGE', `invalid --cap "${text.slice(0, 64)}", expected the name of a capability`)
    }
    return name
  })
  const { bounding, effective, permitted, inheritable, ambient } = capabilities
  return {
    bounding: [...bounding, ...names],
    effective: [...effective, ...names],
    permitted: [...permitted, ...names],
    inheritable,
    ambient,
  }
}
