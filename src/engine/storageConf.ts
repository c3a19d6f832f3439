import { readFileSync, statfsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { BryoError, isErrno, unlessErrno } from '../base/errors.ts'
import type { HostFacts } from '../base/hostFacts.ts'
import { readIniEntries } from './iniSections.ts'

/** What bryo.conf says of the store, in the section `[storage]`. */
export interface StorageConf {
  /** `graphroot`: where the store is, where no option says so. */
  readonly graphroot: string | undefined
  /** `additionalimagestores`: stores that are only read. */
  readonly additionalImageStores: readonly string[]
  /** `force_mask = shared`: a store that has to be made is one for other users to read. */
  readonly shared: boolean | undefined
}

const SYSTEM_FILE = '/etc/bryo/bryo.conf'

/**
 * Reads the section on every command, so without a parser that would have to be loaded: keys of this section are plain paths. `$UID`,
 * `$USER` and `$HOME` stand for what they say. The user's file comes after the system's; stores of both count.
 * @throws BryoError USAGE
 */
export function readStorageConf(facts: HostFacts): StorageConf {
  const { env, uid } = facts
  const home = env.HOME || (uid === 0 ? '/root' : homedir())
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config')
  const values = { UID: String(uid), USER: env.USER ?? String(uid), HOME: home }
  const files = uid === 0 ? [SYSTEM_FILE] : [SYSTEM_FILE, join(configHome, 'bryo/bryo.conf')]
  const found = files.map((path) => parseStorageConf(path, readOptional(path), values))
  return {
    graphroot: found.reduce<string | undefined>((before, conf) => conf.graphroot ?? before, undefined),
    additionalImageStores: found.flatMap((conf) => conf.additionalImageStores),
    shared: found.reduce<boolean | undefined>((before, conf) => conf.shared ?? before, undefined),
  }
}

function readOptional(path: string): string {
  return unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT', 'ENOTDIR', 'EACCES') ?? ''
}

const KEYS = new Set(['graphroot', 'additionalimagestores', 'force_mask'])

/** Pure. */
export function parseStorageConf(
  path: string,
  text: string,
  values: Readonly<Record<string, string>>,
): StorageConf {
  let graphroot: string | undefined
  let shared: boolean | undefined
  const stores: string[] = []
  for (const { section, key, value, line } of readIniEntries(text)) {
    if (section !== 'storage') continue
    if (!KEYS.has(key)) {
      throw new BryoError(
        'USAGE',
        `cannot read "${path}": [storage] has "${line.slice(0, 100)}", expected ${[...KEYS].join(' or ')}`,
      )
    }
    if (key === 'force_mask') {
      shared = isSharedMask(path, value)
      continue
    }
    const paths = value.split(',').map((one) => absolute(path, one, values))
    if (key === 'graphroot') graphroot = paths[0]
    else stores.push(...paths)
  }
  return { graphroot, additionalImageStores: stores, shared }
}

function isSharedMask(path: string, value: string): boolean {
  if (value === 'shared' || value === 'private') return value === 'shared'
  throw new BryoError('USAGE', `cannot read "${path}": force_mask is "${value}", expected shared or private`)
}

function absolute(path: string, text: string, values: Readonly<Record<string, string>>): string {
  const bare = text.trim()
  const full = bare.replace(/\$(UID|USER|HOME)\b/g, (_, name: string) => values[name] ?? '')
  if (isAbsolute(full)) return full
  throw new BryoError('USAGE', `cannot read "${path}": "${bare}" is no absolute path`)
}

/** Filesystems over a network, which refuse to give files to subordinate ids. @see statfs(2) */
export const NETWORK_FILESYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x00c36400, 'Ceph'],
])

/**
 * A new store is not made on a filesystem of another machine where nobody has asked for that place: layers could not have their
 * owners there, and no container would start.
 * @throws BryoError STORAGE that tells how to move it
 */
export function refuseRemoteHome(dataRoot: string, uid: number): void {
  const kind = remoteKind(dataRoot)
  if (kind === undefined) return
  const place = `/var/tmp/bryo-${uid}`
  throw new BryoError(
    'STORAGE',
    `cannot make a store at "${dataRoot}": it is on ${kind}, expected a local disk`,
    {
      hint: `put the store on a local disk, in ~/.config/bryo/bryo.conf: two lines, "[storage]" and "graphroot = ${place}"; or once: --root ${place}`,
    },
  )
}

/** undefined for a local filesystem. */
function remoteKind(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      return NETWORK_FILESYSTEMS.get(statfsSync(at).type)
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES') || at === dirname(at)) return undefined
    }
  }
}
