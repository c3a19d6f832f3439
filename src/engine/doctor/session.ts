import { existsSync, statSync } from 'node:fs'
import type { Identity } from '../../userns/identity.ts'
import { type DoctorFacts, type Finding, finding } from './finding.ts'

const RUNTIME_DIR = { id: 'runtime-dir', title: 'XDG_RUNTIME_DIR' }
const LINGER = { id: 'linger', title: 'linger' }

export function checkSession(facts: DoctorFacts, identity: Identity): readonly Finding[] {
  const systemd = existsSync('/run/systemd/system')
  const lingers = existsSync(`/var/lib/systemd/linger/${identity.userName}`)
  return [checkRuntimeDir(facts, systemd), judgeLinger(identity, systemd, lingers)]
}

function checkRuntimeDir({ uid, env }: DoctorFacts, systemd: boolean): Finding {
  const path = env.XDG_RUNTIME_DIR
  const found = path?.startsWith('/') ? statSync(path, { throwIfNoEntry: false }) : undefined
  return judgeRuntimeDir(
    { path, uid, systemd },
    found && { directory: found.isDirectory(), uid: found.uid, mode: found.mode & 0o777 },
  )
}

/** What stat(2) says of the directory. */
export interface RuntimeDirStatus {
  readonly directory: boolean
  readonly uid: number
  /** Permission bits. */
  readonly mode: number
}

export function judgeRuntimeDir(
  {
    path,
    uid,
    systemd,
  }: { readonly path: string | undefined; readonly uid: number; readonly systemd: boolean },
  status: RuntimeDirStatus | undefined,
): Finding {
  const fix = systemd
    ? `log in as this user (ssh, machinectl shell, su -l), or as root: loginctl enable-linger ${uid}; then: export XDG_RUNTIME_DIR=/run/user/${uid}`
    : `as root: install -d -m 0700 -o ${uid} /run/user/${uid}; then: export XDG_RUNTIME_DIR=/run/user/${uid}`
  const warn = (detail: string) =>
    finding(RUNTIME_DIR, 'warning', `${detail}: a private directory is used instead`, fix)
  if (path === undefined || path === '') return warn('not set')
  if (!path.startsWith('/')) return warn(`"${path}" is not an absolute path`)
  if (!status) return warn(`${path} does not exist`)
  if (!status.directory) return warn(`${path} is not a directory`)
  if (status.uid !== uid) return warn(`${path} belongs to user id ${status.uid}, expected ${uid}`)
  const mode = status.mode.toString(8).padStart(4, '0')
  if (status.mode !== 0o700) {
    return finding(RUNTIME_DIR, 'warning', `${path} has mode ${mode}, expected 0700`, `chmod 0700 ${path}`)
  }
  return finding(RUNTIME_DIR, 'ok', path)
}

export function judgeLinger({ uid, userName }: Identity, systemd: boolean, lingers: boolean): Finding {
  if (!systemd) return finding(LINGER, 'skipped', 'systemd does not run here')
  if (uid === 0) return finding(LINGER, 'skipped', 'root has no session that ends')
  if (lingers) return finding(LINGER, 'ok', 'containers go on after logout')
  return finding(LINGER, 'warning', 'detached containers end at logout', `loginctl enable-linger ${userName}`)
}
