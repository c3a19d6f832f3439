import type { UserEntry, UserRequest } from './plan.ts'
import { parsePasswd, type ResolvedUser, type UserLookup } from './user.ts'

/** Whoever is to be known beside the users of the image. Pure. */
export function newEntries(request: UserRequest, { passwd }: UserLookup): readonly UserEntry[] {
  const { passwdEntry: own, hostUsers = [] } = request
  const isNew = ({ name, uid }: UserEntry) =>
    !passwd.some((entry) => entry.uid === uid || entry.name === name)
  return [...(own && !passwd.some((entry) => entry.uid === own.uid) ? [own] : []), ...hostUsers.filter(isNew)]
}

export interface AddedLines {
  readonly passwd: readonly string[]
  readonly group: readonly string[]
  /** The home directory that the user's own line names; undefined where it has none. */
  readonly home: string | undefined
}

/**
 * Lines for /etc/passwd and /etc/group: of the container's user where the image does not know it, and of users of the host.
 * undefined for none. Pure.
 */
export function addedLines(
  user: ResolvedUser,
  request: UserRequest,
  files: UserLookup,
): AddedLines | undefined {
  const { templates = {}, hostUsers = [] } = request
  const offered = newEntries(request, files)
  const isKnown = user.uid === 0 || files.passwd.some((entry) => entry.uid === user.uid)
  const own = isKnown ? undefined : (offered.find(({ uid }) => uid === user.uid) ?? namelessEntry(user))
  const others = offered.filter((entry) => hostUsers.includes(entry) && entry !== own)
  const entries = own ? [own, ...others] : others
  if (entries.length === 0) return undefined
  const lines = entries.map((entry) => passwdLine(entry, templates.passwd))
  return {
    passwd: lines,
    group: own ? groupLines(own, user, request, files) : [],
    home: own && parsePasswd(lines[0] ?? '').find(({ uid }) => uid === own.uid)?.home,
  }
}

function namelessEntry({ uid, gid }: ResolvedUser): UserEntry {
  return { name: String(uid), uid, gid, comment: 'container user', home: '/', shell: '/bin/sh' }
}

function passwdLine(entry: UserEntry, template: string | undefined): string {
  const { name, uid, gid, comment, home, shell } = entry
  if (template === undefined) return `${name}:x:${uid}:${gid}:${comment}:${home}:${shell}\n`
  return replaceWords(template, {
    USERNAME: name,
    UID: String(uid),
    GID: String(gid),
    NAME: comment,
    HOME: home,
  })
}

function groupLines(
  own: UserEntry,
  { uid, gid }: ResolvedUser,
  { passwdEntry, templates = {} }: UserRequest,
  { group }: UserLookup,
): readonly string[] {
  if (group.some((entry) => entry.gid === gid)) return []
  const isCaller = passwdEntry?.uid === uid
  const name = isCaller ? own.name : String(gid)
  if (templates.group === undefined) return [`${name}:x:${gid}:\n`]
  const words = { GROUPNAME: name, GID: String(gid), USERLIST: isCaller ? own.name : '' }
  return [replaceWords(templates.group, words)]
}

/** `$WORD` by what it stands for, as one line. */
function replaceWords(template: string, words: Readonly<Record<string, string>>): string {
  const text = template.replace(/\$([A-Z]+)/g, (word, name: string) => words[name] ?? word)
  return text.endsWith('\n') ? text : `${text}\n`
}
