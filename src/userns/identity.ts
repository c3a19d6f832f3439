import { readFileSync } from 'node:fs'
import { unlessErrno } from '../base/errors.ts'
import { findProgram } from '../base/findProgram.ts'
import { runProgram } from './program.ts'

/** Who starts bryo. */
export interface Identity {
  readonly uid: number
  /** The group of this process; after `sg` or `newgrp` it is not the login group. */
  readonly gid: number
  /** The user id in digits where the host knows no name. */
  readonly userName: string
  /** The login group; undefined where the host knows no such user. */
  readonly loginGid: number | undefined
}

export interface IdentityRequest {
  readonly uid: number
  readonly gid: number
  /** $PATH, for `getent`. */
  readonly searchPath?: string | undefined
}

interface PasswdEntry {
  readonly name: string
  readonly gid: number
}

/** The entry of a user id in the text of /etc/passwd. @see passwd(5) */
export function findPasswdEntry(text: string, uid: number): PasswdEntry | undefined {
  const [, name, gid] = new RegExp(`^([^:\\n]+):[^:\\n]*:0*${uid}:(\\d+):`, 'm').exec(text) ?? []
  return name === undefined ? undefined : { name, gid: Number(gid) }
}

/** Name and login group from /etc/passwd; from `getent` for users of LDAP, SSSD and the like. */
export function readIdentity({ uid, gid, searchPath }: IdentityRequest): Identity {
  const entry = findPasswdEntry(readIfExists('/etc/passwd'), uid) ?? askNameService(uid, searchPath)
  return { uid, gid, userName: entry?.name ?? String(uid), loginGid: entry?.gid }
}

function askNameService(uid: number, searchPath: string | undefined): PasswdEntry | undefined {
  return findPasswdEntry(nameServiceAnswer(String(uid), searchPath), uid)
}

/** Empty where there is none. */
function nameServiceAnswer(user: string, searchPath: string | undefined): string {
  const getent = findProgram('getent', searchPath)
  if (getent === undefined) return ''
  const { exitCode, stdout } = runProgram(getent, ['passwd', user])
  return exitCode === 0 ? stdout : ''
}

/** A user of this host. @see passwd(5) */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** The full name. */
  readonly comment: string
  readonly home: string
}

/** A user of this host by name or id. */
export function findAccount(text: string, searchPath: string | undefined): Account | undefined {
  return accountIn(readIfExists('/etc/passwd'), text) ?? accountIn(nameServiceAnswer(text, searchPath), text)
}

/** A user in the text of /etc/passwd, by name or id. */
function accountIn(passwd: string, text: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = '', gid = '', comment = '', home] = line.split(':')
    if (home === undefined || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) continue
    if (name === text || uid === text) return { name, uid: Number(uid), gid: Number(gid), comment, home }
  }
  return undefined
}

/** The text of a small file of the system; empty where there is none. */
export function readIfExists(path: string): string {
  return unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT') ?? ''
}
