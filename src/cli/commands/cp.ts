import { BryoError, isErrno } from '../../base/errors.ts'
import { parseCopyArguments } from '../../engine/container/copy/arguments.ts'
import { copyFiles } from '../../engine/container/copy/copy.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { CP_FLAGS } from '../options/containerFiles.ts'
import { OutputClosed, printWarning } from '../output.ts'
import { isTerminalFd } from '../terminal.ts'

const STDIN = 0
const STDOUT = 1

export const command = defineCommand({
  usage: '[options] [CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH',
  description:
    'Copies files between a container and the host, or between containers, whether they run or not. - stands for a tar archive on standard input or output.',
  examples: ['cp web:/etc/nginx .', 'cp index.html web:/srv/', 'cp web:/var/log - | tar -t'],
  flags: CP_FLAGS,
  args: { min: 2, max: 2, completion: { kind: 'files' } },
  run: async ({ flags, args, context }) => {
    const [source = '', target = ''] = args
    const ends = parseCopyArguments(source, target)
    if (target === '-' && (await isTerminalFd(STDOUT)))
      throw new BryoError('USAGE', 'refusing to copy to terminal: redirect standard output')
    if (source === '-' && (await isTerminalFd(STDIN)))
      throw new BryoError('USAGE', 'cannot read an archive from the terminal')
    const { archive, overwrite } = flags
    try {
      const { warnings } = await copyFiles(engineOf(context), ends, { archive, overwrite })
      warnings.forEach(printWarning)
    } catch (error) {
      if (isErrno(error, 'EPIPE')) throw new OutputClosed('nobody reads the output', { cause: error })
      throw error
    }
    return 0
  },
})
