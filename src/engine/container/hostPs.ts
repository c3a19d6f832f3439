import { spawnSync } from 'node:child_process'
import { BryoError } from '../../base/errors.ts'
import type { Engine } from '../engine.ts'
import { processesOf } from './top.ts'

const MAX_OUTPUT = 64 * 1024 * 1024

/**
 * What the host's ps(1) prints with these options of the container's processes: its heading and their lines, with pids and users
 * as the host has them. The ps inside is never run: it belongs to the image.
 * @throws BryoError USAGE for options that ps refuses, or that show no pid; TOOL_MISSING
 */
export function hostPsLines(engine: Engine, name: string, options: readonly string[]): readonly string[] {
  const pids = new Set(processesOf(engine, name).map(({ hostPid }) => String(hostPid)))
  const { stdout, stderr, status, error } = spawnSync('ps', options, {
    env: { PATH: engine.facts.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', COLUMNS: '1000' },
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
  })
  if (error) {
    throw new BryoError(
      'TOOL_MISSING',
      'cannot list processes with options of ps: ps is not installed on this host',
      {
        hint: 'install procps, or name descriptors: user pid ppid pcpu etime tty time args',
        cause: error,
      },
    )
  }
  if (status !== 0) {
    throw new BryoError(
      'USAGE',
      `invalid options of ps "${options.join(' ')}": ${stderr.trim().split('\n')[0] ?? ''}`,
    )
  }
  const [heading = '', ...lines] = stdout.replace(/\n$/, '').split('\n')
  const column = heading.trim().split(/\s+/).indexOf('PID')
  if (column === -1) {
    throw new BryoError('USAGE', `invalid options of ps "${options.join(' ')}": they show no column PID`)
  }
  return [heading, ...lines.filter((line) => pids.has(line.trim().split(/\s+/)[column] ?? ''))]
}
