import { closeSync, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { BryoError, messageOf } from '../../base/errors.ts'
import { isExecutableFile } from '../../base/findProgram.ts'
import { closeOnExecFrom, ownFd, pipe, setCloseOnExec, writeFd } from '../../syscall/fd.ts'
import { MS, mount } from '../../syscall/mount.ts'
import { execve, exitCodeOfStatus, waitForExit } from '../../syscall/process.ts'
import { resetSignals } from '../../syscall/signal.ts'
import { startInUserNamespace } from '../../userns/enter.ts'
import { readAll } from '../../userns/program.ts'
import type { Engine } from '../engine.ts'
import { UNSHARE_ENV } from '../unshared.ts'

/**
 * `unshare`: runs a command of this host in a new user namespace with the default map, where the caller is root and the
 * files of containers belong to the ids that the containers know; its mounts end with it.
 * @param argv the program as a shell would find it, and its arguments
 * @returns the command's exit code, 128 + n for signal n
 * @throws BryoError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, UNSUPPORTED for the host's root
 */
export function runUnshared(engine: Engine, argv: readonly string[]): number {
  if (engine.facts.uid === 0 && !engine.unshared)
    throw new BryoError(
      'UNSUPPORTED',
      'please use unshare with rootless: as root there is nothing to enter',
      {
        hint: 'run bryo unshare as the user whose containers they are',
      },
    )
  const program = findCommand(engine, argv[0] ?? '')
  const env = environmentOf(engine)
  const [readEnd, writeEnd] = pipe()
  using failure = ownFd(readEnd)
  using report = ownFd(writeEnd)
  const { pid } = startInUserNamespace({
    maps: engine.defaultIds().maps,
    identity: engine.identity(),
    searchPath: engine.facts.env.PATH,
    namespaces: ['mount'],
    main: () => execute({ program, argv, env, reportFd: report.fd }),
  })
  report.close()
  const message = readAll(failure.fd)
  const code = exitCodeOfStatus(waitForExit(pid))
  if (message === '') return code
  throw new BryoError('COMMAND_NOT_EXECUTABLE', `cannot execute "${program}": ${message}`)
}

interface Execution {
  readonly program: string
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly reportFd: number
}

/** In the child. */
function execute({ program, argv, env, reportFd }: Execution): number {
  try {
    // What is mounted inside shows nowhere else.
    mount({ target: '/', flags: MS.rec | MS.slave })
    closeOnExecFrom(3)
    for (const fd of [0, 1, 2]) setCloseOnExec(fd, false)
    resetSignals()
    execve(program, argv, env)
  } catch (error) {
    writeFd(reportFd, Buffer.from(messageOf(error)))
    closeSync(reportFd)
    return 126
  }
}

function environmentOf({ facts, store }: Engine): readonly string[] {
  const added = {
    [UNSHARE_ENV.dataRoot]: store.dataRoot,
    [UNSHARE_ENV.runRoot]: store.runRoot,
    CONTAINERS_GRAPHROOT: store.dataRoot,
    CONTAINERS_RUNROOT: store.runRoot,
  }
  return Object.entries({ ...facts.env, ...added }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
}

/** @throws BryoError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE */
function findCommand({ facts }: Engine, name: string): string {
  const candidates = name.includes('/')
    ? [resolve(facts.cwd, name)]
    : (facts.env.PATH ?? '').split(':').map((directory) => resolve(facts.cwd, directory, name))
  const found = name === '' ? undefined : candidates.find(isExecutableFile)
  if (found !== undefined) return found
  if (name.includes('/') && existsSync(candidates[0] ?? ''))
    throw new BryoError('COMMAND_NOT_EXECUTABLE', `exec: "${name}": permission denied`)
  throw new BryoError('COMMAND_NOT_FOUND', `exec: "${name}": executable file not found in $PATH`)
}
