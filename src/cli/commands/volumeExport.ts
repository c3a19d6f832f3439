import { openSync, unlinkSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import type { Engine } from '../../engine/engine.ts'
import { exportVolume } from '../../engine/volume/transfer.ts'
import { ownFd } from '../../syscall/fd.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { VOLUME_EXPORT_FLAGS } from '../options/volumes.ts'
import { OutputClosed } from '../output.ts'
import { absoluteHostPath } from '../parse/path.ts'
import { isTerminalFd } from '../terminal.ts'

const STDOUT = 1

export const command = defineCommand({
  usage: '[options] VOLUME',
  description: 'Writes the content of a volume as a tar archive, to standard output or a file.',
  examples: ['volume export data --output data.tar', 'volume export data | gzip > data.tar.gz'],
  flags: VOLUME_EXPORT_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['volumes'] } },
  run: async ({ flags, args: [name = ''], context }) => {
    const engine = engineOf(context)
    if (flags.output !== undefined && flags.output !== '-') {
      exportToFile(engine, name, absoluteHostPath(flags.output, context.facts.cwd))
      return 0
    }
    if (await isTerminalFd(STDOUT)) {
      throw new BryoError('USAGE', 'cannot write an archive to a terminal', {
        hint: 'redirect standard output, or name a file with --output',
      })
    }
    try {
      exportVolume(engine, name, STDOUT)
    } catch (error) {
      if (isErrno(error, 'EPIPE')) throw new OutputClosed('nobody reads the output', { cause: error })
      throw error
    }
    return 0
  },
})

function exportToFile(engine: Engine, name: string, path: string): void {
  using file = ownFd(create(path))
  try {
    exportVolume(engine, name, file.fd)
  } catch (error) {
    unlinkSync(path)
    throw error
  }
}

function create(path: string): number {
  try {
    return openSync(path, 'w', 0o666)
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'EROFS', 'EPERM')) throw cause
    throw new BryoError('USAGE', `cannot write "${path}": ${messageOf(cause)}`, { cause })
  }
}
