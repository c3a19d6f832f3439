import { closeSync, writeFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { findProgram } from '../base/findProgram.ts'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import { ownFd, pipe } from '../syscall/fd.ts'
import { exitCodeOfStatus, spawnProgram, waitForExit } from '../syscall/process.ts'
import { formatIdMap } from './extents.ts'
import { hasNoNewPrivileges, readHelperPrivilege } from './helper-privilege.ts'
import type { Identity } from './identity.ts'
import { isNested, readIdMaps } from './nested.ts'
import { readAll } from './program.ts'
import { explainMapFailure, helperMissing, type MapHelper } from './write-failure.ts'

/**
 * `helpers`: newuidmap and newgidmap. `single`: the caller writes its own two ids, and setgroups(2) is denied, as
 * the kernel asks. `direct`: a process with CAP_SETUID and CAP_SETGID over its own namespace writes any ids.
 */
export type MapMethod = 'helpers' | 'single' | 'direct'

/** How the caller may write these maps: root directly, others their own id alone or by the helpers. */
export function chooseMapMethod(
  maps: IdMaps,
  caller: { readonly uid: number; readonly gid: number },
): MapMethod {
  if (caller.uid === 0) return 'direct'
  return isOnly(maps.uid, caller.uid) && isOnly(maps.gid, caller.gid) ? 'single' : 'helpers'
}

function isOnly(extents: readonly IdMapping[], id: number): boolean {
  return extents.length === 1 && extents[0]?.hostId === id && extents[0].size === 1
}

export interface WriteMapsOptions {
  /** The process that writes. */
  readonly identity: Identity
  /** $PATH, for hosts whose newuidmap is not in /usr/bin. */
  readonly searchPath?: string | undefined
  /** By default as {@link chooseMapMethod} says. `direct` too from inside of a namespace, for one nested in it. */
  readonly method?: MapMethod
}

/**
 * Gives the user namespace that `pid` has just created its maps. They can be written once only.
 * @throws BryoError TOOL_MISSING, IDMAP_FAILED
 * @see user_namespaces(7)
 */
export function writeIdMaps(pid: number, maps: IdMaps, options: WriteMapsOptions): void {
  using writing = beginIdMaps(pid, maps, options)
  writing.finish()
}

/** Maps on their way; disposing waits for the helpers, and says nothing of how they ended. */
export interface IdMapWriting extends Disposable {
  /** Blocks until the maps are written; further calls do nothing. @throws BryoError IDMAP_FAILED */
  finish(): void
}

/** First half of {@link writeIdMaps}: the helpers run while the caller goes on. @throws BryoError TOOL_MISSING, IDMAP_FAILED */
export function beginIdMaps(pid: number, maps: IdMaps, options: WriteMapsOptions): IdMapWriting {
  const method = options.method ?? chooseMapMethod(maps, options.identity)
  if (method === 'helpers') return beginWithHelpers(pid, maps, options)
  writeProcFile(pid, 'uid_map', formatIdMap(maps.uid))
  if (method === 'single') writeProcFile(pid, 'setgroups', 'deny')
  writeProcFile(pid, 'gid_map', formatIdMap(maps.gid))
  return { finish: () => {}, [Symbol.dispose]: () => {} }
}

function writeProcFile(pid: number, name: string, text: string): void {
  try {
    writeFileSync(`/proc/${pid}/${name}`, text)
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'EACCES', 'EINVAL', 'ENOENT', 'ESRCH')) throw error
    throw new BryoError('IDMAP_FAILED', `cannot write /proc/${pid}/${name}: ${messageOf(error)}`, {
      hint: 'the ids must be mapped in this namespace, and a root needs CAP_SETUID and CAP_SETGID here; run: bryo doctor',
      cause: error,
    })
  }
}

interface RunningHelper {
  readonly helper: MapHelper
  readonly path: string
  readonly pid: number
}

function beginWithHelpers(
  pid: number,
  maps: IdMaps,
  { identity, searchPath }: WriteMapsOptions,
): IdMapWriting {
  const [readEnd, writeEnd] = pipe()
  let running: readonly RunningHelper[]
  try {
    running = startHelpers({ pid, maps, output: writeEnd, searchPath })
  } catch (error) {
    closeSync(readEnd)
    throw error
  }
  let reaped = false
  // Both have to be reaped, also where the first one has failed.
  const reap = () => {
    reaped = true
    return running.map((one) => ({ ...one, exitCode: exitCodeOfStatus(waitForExit(one.pid)) }))
  }
  return {
    finish: () => {
      if (reaped) return
      using _output = ownFd(readEnd)
      const failed = reap().find(({ exitCode }) => exitCode !== 0)
      if (failed) throw helperFailure(failed, readAll(readEnd), identity)
    },
    [Symbol.dispose]: () => {
      if (reaped) return
      reap()
      closeSync(readEnd)
    },
  }
}

interface HelperRequest {
  readonly pid: number
  readonly maps: IdMaps
  /** Closed here, so that the end of what the helpers say can be seen. */
  readonly output: number
  readonly searchPath: string | undefined
}

/** Both at once: each takes two milliseconds, most of them for reading the files of the system. */
function startHelpers({ pid, maps, output, searchPath }: HelperRequest): readonly RunningHelper[] {
  const running: RunningHelper[] = []
  const fds = [[1, output] as const, [2, output] as const]
  try {
    const helpers = [
      { helper: 'newuidmap', path: findHelper('newuidmap', searchPath), extents: maps.uid },
      { helper: 'newgidmap', path: findHelper('newgidmap', searchPath), extents: maps.gid },
    ] as const
    for (const { helper, path, extents } of helpers) {
      const args = extents.flatMap((e) => [e.containerId, e.hostId, e.size].map(String))
      running.push({ helper, path, pid: spawnProgram({ path, argv: [helper, String(pid), ...args], fds }) })
    }
    return running
  } catch (error) {
    for (const one of running) waitForExit(one.pid)
    throw error
  } finally {
    closeSync(output)
  }
}

function findHelper(helper: MapHelper, searchPath: string | undefined): string {
  const path = findProgram(helper, searchPath)
  if (path === undefined) throw helperMissing(helper)
  return path
}

/** Both helpers write to one pipe, each line starting with the name of its program. */
function helperFailure(
  { helper, path, exitCode }: RunningHelper & { readonly exitCode: number },
  said: string,
  identity: Identity,
): BryoError {
  const own = said.split('\n').filter((line) => line.startsWith(`${helper}:`))
  return explainMapFailure({
    helper,
    exitCode,
    stderr: own.length > 0 ? own.join('\n') : said,
    identity,
    privilege: readHelperPrivilege(path),
    noNewPrivileges: hasNoNewPrivileges(),
    nested: isNested(readIdMaps('self')),
  })
}
