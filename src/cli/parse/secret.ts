import type { SecretUse } from '../../engine/container/request.ts'
import { parseCsvRecord } from './csv.ts'
import { containerPath } from './path.ts'

/**
 * One `--secret`: `NAME[,type=mount|env][,target=...][,uid=,gid=,mode=]`. A file lies below /run/secrets unless its target is
 * absolute; a variable has the secret's name unless it has a target.
 * @throws an Error that says what was expected
 */
export function parseSecretUse(text: string): SecretUse {
  const [first = '', ...rest] = parseCsvRecord(text)
  const fields = first.includes('=') ? [first, ...rest] : [`source=${first}`, ...rest]
  const keys = new Map(fields.map(readField))
  const name = keys.get('source') ?? ''
  if (name === '') throw new Error('expected the name of a secret')
  const type = keys.get('type') ?? 'mount'
  if (type !== 'mount' && type !== 'env') throw new Error(`unknown type "${type}", expected mount or env`)
  const [mode, uid, gid] = [octal(keys.get('mode')), id('uid', keys.get('uid')), id('gid', keys.get('gid'))]
  if (type === 'env') {
    if (mode !== undefined || uid !== undefined || gid !== undefined) {
      throw new Error('UID, GID and mode are of a file: type=env has none')
    }
    return { name, type, target: variable(keys.get('target') ?? name) }
  }
  return {
    name,
    type,
    target: fileTarget(keys.get('target') ?? name),
    ...(mode !== undefined && { mode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  }
}

const ALIASES: Readonly<Record<string, string>> = {
  src: 'source',
  id: 'source',
  dst: 'target',
  destination: 'target',
}
const KEYS = new Set(['source', 'type', 'target', 'mode', 'uid', 'gid'])

function readField(field: string): readonly [string, string] {
  const equals = field.indexOf('=')
  const given = equals === -1 ? field : field.slice(0, equals)
  const key = ALIASES[given] ?? given
  if (!KEYS.has(key)) throw new Error(`unknown key "${given}"`)
  if (equals === -1) throw new Error(`expected a value for "${given}"`)
  return [key, field.slice(equals + 1)]
}

function octal(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[0-7]{1,4}$/.test(text)) throw new Error(`mode "${text}", expected octal digits such as 0440`)
  return Number.parseInt(text, 8)
}

function id(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 0xffffffff)
    throw new Error(`${key} "${text}", expected a number`)
  return Number(text)
}

function variable(name: string): string {
  if (name === '' || /[=\0]/.test(name)) throw new Error(`"${name}" is no name of a variable`)
  return name
}

function fileTarget(target: string): string {
  if (target.startsWith('/')) {
    const path = containerPath(target)
    if (path === '/') throw new Error('a secret cannot be the root')
    return path
  }
  const parts = target.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..') || target.includes('\0')) {
    throw new Error(`target "${target}", expected a name, or an absolute path`)
  }
  return target
}
