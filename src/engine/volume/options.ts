import { isAbsolute } from 'node:path'
import { BryoError } from '../../base/errors.ts'

/** Where the content of a volume is. */
export type VolumeContent =
  /** In the store. */
  | { readonly kind: 'directory'; readonly owner: VolumeOwner; readonly copyUp: boolean }
  /** Memory of each container that mounts it. */
  | { readonly kind: 'tmpfs'; readonly mountOptions: readonly string[]; readonly copyUp: boolean }
  /** A directory of the host. */
  | {
      readonly kind: 'bind'
      readonly device: string
      readonly mountOptions: readonly string[]
      readonly copyUp: boolean
    }

/** Ids as containers see them. */
export interface VolumeOwner {
  readonly uid: number | undefined
  readonly gid: number | undefined
}

const KEYS = ['type', 'device', 'o']
/** What needs nothing of mount(2) or is the default. */
const WITHOUT_MEANING = new Set(['noquota', 'defaults', 'rw'])
const FLAGS = new Set([
  ...['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'suid', 'dev', 'exec'],
])
const TMPFS_SETTINGS = new Set(['size', 'nr_inodes', 'nr_blocks', 'mode', 'uid', 'gid', 'huge'])
const BIND_FLAGS = new Set([
  ...['bind', 'rbind', 'private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'],
  ...['unbindable', 'runbindable'],
])

/**
 * Reads the options of a volume of the driver `local`, which are mount(8)'s words; only what works without root is accepted.
 * @throws BryoError USAGE, UNSUPPORTED
 */
export function parseVolumeOptions(options: Readonly<Record<string, string>>): VolumeContent {
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) {
    throw new BryoError(
      'USAGE',
      `invalid mount option ${unknown} for driver "local", expected type, device or o`,
    )
  }
  const words = (options.o ?? '').split(',').filter((word) => word !== '' && !WITHOUT_MEANING.has(word))
  const copyUp = !words.includes('nocopy')
  const rest = words.filter((word) => word !== 'nocopy' && word !== 'copy')
  const { type = '', device = '' } = options
  if (type === 'tmpfs') return { kind: 'tmpfs', mountOptions: rest.map(tmpfsOption), copyUp }
  if (type === 'bind' || rest.some((word) => word === 'bind' || word === 'rbind')) {
    if (!['', 'none', 'bind'].includes(type)) throw unsupportedType(type)
    return { kind: 'bind', device: checkDevice(device), mountOptions: rest.map(bindOption), copyUp }
  }
  if (type === '' && device === '') return { kind: 'directory', owner: parseOwner(rest), copyUp }
  if (type === 'none' || type === '') {
    throw new BryoError(
      'USAGE',
      `cannot create volume: device "${device}" without "bind" among the options o`,
      {
        hint: 'for a directory of the host: --opt type=none --opt o=bind --opt device=DIR',
      },
    )
  }
  throw unsupportedType(type)
}

function unsupportedType(type: string): BryoError {
  return new BryoError(
    'UNSUPPORTED',
    `cannot create volume: type "${type}" cannot be mounted without root, expected tmpfs or none`,
    {
      hint: 'mount it on the host, and give the volume that directory: --opt type=none --opt o=bind --opt device=DIR',
    },
  )
}

function checkDevice(device: string): string {
  if (isAbsolute(device)) return device
  throw new BryoError(
    'USAGE',
    `cannot create volume: device "${device}", expected the absolute path of a directory`,
  )
}

function tmpfsOption(word: string): string {
  const [key = ''] = word.split('=')
  if (FLAGS.has(word) || (word.includes('=') && TMPFS_SETTINGS.has(key))) return word
  throw unknownWord(word, 'tmpfs')
}

function bindOption(word: string): string {
  if (FLAGS.has(word) || BIND_FLAGS.has(word)) return word
  throw unknownWord(word, 'bind')
}

function unknownWord(word: string, kind: string): BryoError {
  return new BryoError('USAGE', `cannot create volume: unknown option "${word}" of a ${kind} mount`)
}

const ID = /^(uid|gid)=(\d{1,10})$/

function parseOwner(words: readonly string[]): VolumeOwner {
  const ids: { uid?: number; gid?: number } = {}
  for (const word of words) {
    const [, key, digits] = ID.exec(word) ?? []
    if (key === 'uid' || key === 'gid') ids[key] = Number(digits)
    else if (/^(?:size|inodes)=/.test(word)) throw noQuota()
    else throw unknownWord(word, 'directory')
  }
  return { uid: ids.uid, gid: ids.gid }
}

function noQuota(): BryoError {
  return new BryoError(
    'UNSUPPORTED',
    'volume options size and inodes not supported: a user cannot set quotas on a directory',
    { hint: 'a tmpfs has a size: --opt type=tmpfs --opt o=size=64m' },
  )
}
