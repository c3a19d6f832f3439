import { BryoError, isErrno } from '../../base/errors.ts'
import { exportContainer } from '../../engine/container/export.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { EXPORT_FLAGS } from '../options/containerFiles.ts'
import { OutputClosed } from '../output.ts'
import { isTerminalFd } from '../terminal.ts'

const STDOUT = 1

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description: "Writes a container's whole root as a tar archive, without what is mounted in it.",
  examples: ['export -o root.tar web', 'export web | tar -t'],
  flags: EXPORT_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const [name = ''] = args
    if (flags.output === undefined && (await isTerminalFd(STDOUT)))
      throw new BryoError('USAGE', 'refusing to export to terminal. Use -o flag or redirect')
    const engine = engineOf(context)
    try {
      if (flags.output === undefined) exportContainer(engine, name, STDOUT)
      else exportToFile(flags.output, (fd) => exportContainer(engine, name, fd))
    } catch (error) {
      if (isErrno(error, 'EPIPE')) throw new OutputClosed('nobody reads the output', { cause: error })
      throw error
    }
    return 0
  },
})

/** A file that this has made goes again where it fails. */
function exportToFile(path: string, write: (fd: number) => void): void {
  const { closeSync, existsSync, openSync, rmSync } = process.getBuiltinModule('node:fs')
  const isNew = !existsSync(path)
  const fd = openSync(path, 'w', 0o644)
  try {
    write(fd)
  } catch (error) {
    if (isNew) rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}
