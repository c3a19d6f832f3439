import { type GlobalOptions, LOG_LEVELS } from './command.ts'
import type { FlagValues } from './flags/flag.ts'
import { choiceOr, many, text, toggle } from './flags/kinds.ts'

/** @throws Error for other options of Podman's, which have no meaning here */
function additionalStore(text: string): string {
  const [, directory] = /^(?:[a-z-]+\.)?additionalimagestores?=(\/.+)$/.exec(text) ?? []
  if (directory !== undefined) return directory
  throw new Error('expected additionalimagestore=DIR, with an absolute path')
}

const DIRECTORIES = { kind: 'directories' } as const

/** Accepted before the command and behind it. */
export const GLOBAL_FLAGS = {
  debug: toggle({ help: 'Show debug messages, the same as --log-level debug' }),
  'log-level': choiceOr('warn', LOG_LEVELS, { help: 'Show messages of this level and above' }),
  root: text({ help: 'Directory of images, layers and containers', completion: DIRECTORIES }),
  runroot: text({ help: 'Directory of the state that ends with the login', completion: DIRECTORIES }),
  'storage-driver': text({
    help: 'How layers are stacked: auto, overlay or fuse-overlayfs',
    completion: { kind: 'values', values: ['auto', 'overlay', 'fuse-overlayfs'] },
  }),
  'storage-opt': many({
    placeholder: 'additionalimagestore=DIR',
    help: 'Use the images of another store too, without writing to it',
    parse: additionalStore,
  }),
  tmpdir: text({ help: 'Directory for temporary files', completion: DIRECTORIES }),
}

/** Accepted before the command only, where their letters are free. */
export const ROOT_FLAGS = {
  ...GLOBAL_FLAGS,
  help: toggle({ short: 'h', help: 'Show help' }),
  version: toggle({ short: 'v', help: 'Show the version' }),
}

export function globalOptions(values: FlagValues<typeof GLOBAL_FLAGS>): GlobalOptions {
  const { debug, logLevel, root, runroot, tmpdir, storageDriver, storageOpt } = values
  return {
    root,
    runroot,
    tmpdir,
    storageDriver,
    additionalStores: storageOpt,
    logLevel: debug ? 'debug' : logLevel,
  }
}
