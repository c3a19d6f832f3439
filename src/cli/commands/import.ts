import { BryoError } from '../../base/errors.ts'
import { importImage } from '../../engine/image/import.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { humanSize } from '../format/units.ts'
import { IMPORT_FLAGS } from '../options/images.ts'
import { printLine, writeErr } from '../output.ts'
import { isTerminalFd } from '../terminal.ts'

const STDIN = 0
const STDERR = 2
const REDRAW_MS = 100

export const command = defineCommand({
  usage: '[options] FILE|- [NAME]',
  description: 'Makes an image of one layer from a tar archive of a root directory, and prints its id.',
  examples: ['import root.tar.zst debian:mine', 'import --change \'CMD ["/bin/sh"]\' - tools < root.tar'],
  flags: IMPORT_FLAGS,
  args: { min: 1, max: 2, completion: { kind: 'files' } },
  run: async ({ flags, args, context }) => {
    const [source = '', reference] = args
    if (/^https?:\/\//.test(source)) {
      throw new BryoError('UNSUPPORTED', `cannot import "${source}", expected a file or -`, {
        hint: `fetch it first: curl -fL ${source} | ${context.program} import - NAME`,
      })
    }
    if (source === '-' && (await isTerminalFd(STDIN))) {
      throw new BryoError('USAGE', 'cannot read an archive from the terminal', {
        hint: 'name a file, or send the archive to standard input',
      })
    }
    using counter = await byteCounter(flags.quiet)
    const { id } = await importImage(engineOf(context), {
      source,
      reference,
      changes: flags.change,
      message: flags.message,
      created: new Date().toISOString(),
      onProgress: counter.onProgress,
    })
    counter[Symbol.dispose]()
    printLine(id)
    return 0
  },
})

interface ByteCounter extends Disposable {
  readonly onProgress: ((bytes: number) => void) | undefined
}

/** On a terminal, one line that counts; it is gone when the counter is. */
async function byteCounter(quiet: boolean): Promise<ByteCounter> {
  if (quiet || !(await isTerminalFd(STDERR))) return { onProgress: undefined, [Symbol.dispose]: () => {} }
  let drawn = 0
  return {
    onProgress: (bytes) => {
      const now = performance.now()
      if (drawn > 0 && now - drawn < REDRAW_MS) return
      drawn = now
      writeErr(`\rRead ${humanSize(bytes)}\u001b[K`)
    },
    [Symbol.dispose]: () => {
      if (drawn > 0) writeErr('\r\u001b[K')
      drawn = 0
    },
  }
}
