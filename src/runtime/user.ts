import { BryoError } from '../base/errors.ts'

/** Ids that setresuid(2) takes; the last one means "unchanged". */
const MAX_ID = 0xfffffffe

export interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

export interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  readonly home: string
}

/** @see passwd(5); lines that do not fit are left out */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home] = line.split(':')
    if (name === undefined || home === undefined) return []
    const [userId, groupId] = [parseId(uid ?? ''), parseId(gid ?? '')]
    return userId === undefined || groupId === undefined ? [] : [{ name, uid: userId, gid: groupId, home }]
  })
}

/** @see group(5); lines that do not fit are left out */
export function parseGroup(text: string): readonly GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , gid, members] = line.split(':')
    const groupId = parseId(gid ?? '')
    if (name === undefined || groupId === undefined) return []
    return [{ name, gid: groupId, members: (members ?? '').split(',').filter((member) => member !== '') }]
  })
}

function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined
  const id = Number(text)
  return id <= MAX_ID ? id : undefined
}

export interface UserLookup {
  readonly passwd: readonly PasswdEntry[]
  readonly group: readonly GroupEntry[]
}

/**
 * Resolves `user[:group]` with the image's own files.
 * @throws BryoError RUNTIME for an unknown name or an id out of range
 */
export function resolveUser(text: string, extraGroups: readonly string[], files: UserLookup): ResolvedUser {
  const [userText = '', groupText] = splitOnce(text === '' ? '0' : text)
  const entry = findUser(userText, files.passwd)
  const gid = groupText === undefined || groupText === '' ? entry.gid : findGroup(groupText, files.group)
  const member =
    groupText === undefined && entry.name !== undefined
      ? files.group.filter((group) => group.members.includes(entry.name ?? '')).map((group) => group.gid)
      : []
  const added = extraGroups.map((group) => findGroup(group, files.group))
  const additionalGids = [...new Set([...member, ...added])]
  return { uid: entry.uid, gid, additionalGids, home: entry.home }
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const colon = text.indexOf(':')
  return colon === -1 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
}

interface FoundUser {
  readonly name?: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

function findUser(text: string, passwd: readonly PasswdEntry[]): FoundUser {
  const byName = passwd.find((entry) => entry.name === text)
  if (byName) return byName
  if (!/^-?\d+$/.test(text)) {
    throw new BryoError('RUNTIME', `unable to find user ${text}: no matching entries in passwd file`)
  }
  const uid = parseId(text)
  if (uid === undefined)
    throw new BryoError('RUNTIME', `cannot use user "${text}", expected an id from 0 to ${MAX_ID}`)
  return passwd.find((entry) => entry.uid === uid) ?? { uid, gid: 0, home: '/' }
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const byName = groups.find((group) => group.name === text)
  if (byName) return byName.gid
  if (!/^-?\d+$/.test(text)) {
    throw new BryoError('RUNTIME', `unable to find group ${text}: no matching entries in group file`)
  }
  const gid = parseId(text)
  if (gid === undefined)
    throw new BryoError('RUNTIME', `cannot use group "${text}", expected an id from 0 to ${MAX_ID}`)
  return gid
}
