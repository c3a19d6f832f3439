import type { MountRequest } from '../../engine/container/request.ts'
import { parseCsvRecord } from './csv.ts'
import { checkBindOptions, checkTmpfsOptions } from './mountOptions.ts'
import { absoluteHostPath } from './path.ts'
import { mountTarget, volumeName } from './volume.ts'

const PROPAGATIONS = new Set([
  ...['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'],
])
/** Words that mean a mount option where they stand alone, or with `=true` and `=false`. */
const SWITCHES: Readonly<Record<string, readonly [whenTrue: string, whenFalse: string]>> = {
  ro: ['ro', 'rw'],
  readonly: ['ro', 'rw'],
  rw: ['rw', 'ro'],
  U: ['U', ''],
  chown: ['U', ''],
  suid: ['suid', 'nosuid'],
  nosuid: ['nosuid', 'suid'],
  dev: ['dev', 'nodev'],
  nodev: ['nodev', 'dev'],
  exec: ['exec', 'noexec'],
  noexec: ['noexec', 'exec'],
  'bind-nonrecursive': ['bind', 'rbind'],
  'volume-nocopy': ['nocopy', 'copy'],
  copy: ['copy', 'nocopy'],
  nocopy: ['nocopy', 'copy'],
  tmpcopyup: ['tmpcopyup', 'notmpcopyup'],
  notmpcopyup: ['notmpcopyup', 'tmpcopyup'],
}

/** What the keys of one `--mount` say, before its type decides what is allowed. */
interface MountKeys {
  type: string
  source: string | undefined
  target: string | undefined
  readonly options: string[]
}

/**
 * One `--mount`: `type=bind,src=DIR,dst=PATH,ro=true`. Types are bind, volume (the default), tmpfs, image and
 * devpts; a relative source starts at the working directory.
 */
export function parseMount(text: string, cwd: string): MountRequest {
  const keys: MountKeys = {
    type: 'volume',
    source: undefined,
    target: undefined,
    options: [],
  }
  for (const field of parseCsvRecord(text)) readField(field, keys)
  const target = mountTarget(needed(keys.target, 'a target: dst=PATH'))
  switch (keys.type) {
    case 'bind': {
      const source = absoluteHostPath(needed(keys.source, 'a source: src=PATH'), cwd)
      return { type: 'bind', source, target, options: checkBindOptions(keys.options) }
    }
    case 'volume': {
      const options = checkBindOptions(keys.options)
      if (keys.source === undefined) return { type: 'volume', target, options }
      return { type: 'volume', name: volumeName(keys.source), target, options }
    }
    case 'tmpfs':
      refuseSource(keys)
      return { type: 'tmpfs', target, options: checkTmpfsOptions(keys.options) }
    case 'image':
      return imageMount(keys, target)
    case 'devpts':
      refuseSource(keys)
      return { type: 'devpts', target, options: checkDevptsOptions(keys.options) }
    default:
      throw new Error(`unknown type "${keys.type}", expected bind, volume, tmpfs, image or devpts`)
  }
}

function readField(field: string, keys: MountKeys): void {
  const equals = field.indexOf('=')
  const key = equals === -1 ? field : field.slice(0, equals)
  const value = equals === -1 ? undefined : field.slice(equals + 1)
  const flag = Object.hasOwn(SWITCHES, key) ? SWITCHES[key] : undefined
  if (flag) keys.options.push(...[flag[isOn(key, value) ? 0 : 1]].filter((word) => word !== ''))
  else if (key === 'idmap') keys.options.push(field)
  else if (PROPAGATIONS.has(key) && value === undefined) keys.options.push(key)
  else if (!readValue(key, needed(value, `a value for "${key}"`), keys)) {
    throw new Error(`unknown key "${key}"`)
  }
}

function readValue(key: string, value: string, keys: MountKeys): boolean {
  switch (key) {
    case 'type':
      keys.type = value
      return true
    case 'src':
    case 'source':
      keys.source = value
      return true
    case 'dst':
    case 'dest':
    case 'destination':
    case 'target':
      keys.target = value
      return true
    case 'bind-propagation':
      if (!PROPAGATIONS.has(value)) throw new Error(`unknown propagation "${value}"`)
      keys.options.push(value)
      return true
    case 'relabel':
      if (value !== 'shared' && value !== 'private') {
        throw new Error(`unknown relabel "${value}", expected shared or private`)
      }
      keys.options.push(value === 'shared' ? 'z' : 'Z')
      return true
    case 'consistency':
      // Docker's hint for other platforms; Linux has one consistency.
      return true
    case 'tmpfs-size':
    case 'tmpfs-mode':
      keys.options.push(`${key.slice('tmpfs-'.length)}=${value}`)
      return true
    case 'size':
    case 'mode':
    case 'uid':
    case 'gid':
    case 'max':
      keys.options.push(`${key}=${value}`)
      return true
    default:
      return false
  }
}

function isOn(key: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw new Error(`unknown value "${value}" of ${key}, expected true or false`)
}

function needed(value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new Error(`expected ${what}`)
  return value
}

function refuseSource(keys: MountKeys): void {
  if (keys.source !== undefined) throw new Error(`the type ${keys.type} takes no source`)
}

function imageMount(keys: MountKeys, target: string): MountRequest {
  const other = keys.options.find((option) => option !== 'rw' && option !== 'ro')
  if (other !== undefined) throw new Error(`the option ${other} is not for the type image`)
  return {
    type: 'image',
    image: needed(keys.source, 'a source: src=IMAGE'),
    target,
    readWrite: keys.options.at(-1) === 'rw',
  }
}

function checkDevptsOptions(options: readonly string[]): readonly string[] {
  for (const option of options) {
    const [key = '', value = ''] = option.split('=')
    const valid = key === 'mode' ? /^[0-7]{1,4}$/.test(value) : /^\d{1,10}$/.test(value)
    if (!['mode', 'uid', 'gid', 'max'].includes(key) || !valid) {
      throw new Error(`unknown option "${option}", expected mode, uid, gid or max with a number`)
    }
  }
  return options
}
