import { BryoError } from '../base/errors.ts'
import type { HelperPrivilege } from './helper-privilege.ts'
import type { Identity } from './identity.ts'

export type MapHelper = 'newuidmap' | 'newgidmap'

/** What is known when a helper has refused. */
export interface MapFailure {
  readonly helper: MapHelper
  readonly exitCode: number
  readonly stderr: string
  readonly identity: Identity
  readonly privilege: HelperPrivilege
  /** This process, and so the helper, cannot gain privileges. */
  readonly noNewPrivileges: boolean
  /** This process is inside of a user namespace that has only some of the host's ids. */
  readonly nested: boolean
}

/** Names the cause and its remedy. */
export function explainMapFailure(failure: MapFailure): BryoError {
  const { helper, exitCode, stderr, identity } = failure
  const said = stderr.trim().replaceAll('\n', '; ') || `it ended with exit code ${exitCode}`
  const hint = remedyFor(failure)
  const { loginGid } = identity
  if (loginGid !== undefined && loginGid !== identity.gid && /different user/.test(stderr)) {
    return new BryoError(
      'IDMAP_FAILED',
      `cannot map ids with ${helper}: the group of this process is ${identity.gid}, expected ${loginGid}, the login group of "${identity.userName}"`,
      { hint },
    )
  }
  const text = said.startsWith(`${helper}:`) ? said : `${helper}: ${said}`
  return new BryoError('IDMAP_FAILED', `cannot map ids: ${text}`, { hint })
}

function remedyFor(failure: MapFailure): string {
  const { helper, stderr, identity } = failure
  const file = helper === 'newuidmap' ? '/etc/subuid' : '/etc/subgid'
  if (/not allowed/.test(stderr)) {
    return `${helper} allows only the ids that ${file} lists for "${identity.userName}"`
  }
  if (/different user/.test(stderr)) {
    return 'leave the shell that sg or newgrp has started, or log in again: newuidmap wants the login group'
  }
  if (/user name/.test(stderr)) {
    return `user id ${identity.uid} has no entry in /etc/passwd or its name service: newuidmap refuses unknown users`
  }
  return privilegeRemedy(failure)
}

function privilegeRemedy({ helper, privilege, noNewPrivileges, nested }: MapFailure): string {
  const { path } = privilege
  if (noNewPrivileges) {
    return `this process runs with no_new_privs, so ${helper} has no privilege: start bryo outside of that sandbox, or without NoNewPrivileges= in its unit`
  }
  if (nested) {
    return 'bryo runs in a user namespace (a container or sandbox) that does not have these ids, see /proc/self/uid_map: give it more, or list fewer in /etc/subuid and /etc/subgid there'
  }
  if (privilege.nosuid)
    return `${path} is on a filesystem that is mounted nosuid: mount it without that option`
  if (!privilege.setuid && !privilege.capability) {
    const capability = helper === 'newuidmap' ? 'cap_setuid' : 'cap_setgid'
    return `${path} has no privilege; as root: chmod u+s ${path}, or: setcap ${capability}=ep ${path}`
  }
  return 'a security module of this host forbids it; run: bryo doctor'
}

export function helperMissing(helper: MapHelper): BryoError {
  return new BryoError(
    'TOOL_MISSING',
    `cannot map ids: ${helper} not found, expected it in /usr/bin or $PATH`,
    {
      hint: 'install the package that has it: uidmap (Debian, Ubuntu), shadow-utils (Fedora, RHEL), shadow (Arch), shadow-subids (Alpine)',
    },
  )
}
