import { type GlobalOptions, LOG_LEVELS } from './command.ts'
import type { FlagValues } from './flags/flag.ts'
import { choiceOr, many, text, toggle } from './flags/kinds.ts'
import { REFUSED_GLOBAL_FLAGS } from './options/refusedGlobal.ts'

/** A directory of additional images, or `shared`. */
type StorageOption = { readonly additional: string } | 'shared'

/** @throws Error for other options of Podman's, which have no meaning here */
function storageOption(text: string): StorageOption {
  const [, key = '', value = ''] = /^(?:[a-z-]+\.)?([a-z_]+)=(.*)$/.exec(text) ?? []
  if (/^additionalimagestores?$/.test(key) && value.startsWith('/')) return { additional: value }
  if (key === 'force_mask' && value === 'shared') return value
  throw new Error('expected additionalimagestore=DIR, with an absolute path, or force_mask=shared')
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
    placeholder: 'KEY=VALUE',
    help: 'additionalimagestore=DIR: use its images too, without writing there; force_mask=shared: make a store for other users to read',
    parse: storageOption,
    completion: { kind: 'values', values: ['additionalimagestore=', 'force_mask=shared'] },
  }),
  tmpdir: text({ help: 'Directory for temporary files', completion: DIRECTORIES }),
}

/** Accepted before the command only, where their letters and names are free. */
export const ROOT_FLAGS = {
  ...GLOBAL_FLAGS,
  ...REFUSED_GLOBAL_FLAGS,
  config: text({ help: 'Directory of the config.json with registry logins', completion: DIRECTORIES }),
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
    additionalStores: storageOpt.flatMap((option) => (option === 'shared' ? [] : option.additional)),
    sharedStore: storageOpt.includes('shared'),
    logLevel: debug ? 'debug' : logLevel,
  }
}
