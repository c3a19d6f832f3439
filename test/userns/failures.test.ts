import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { isChrooted, type Restrictions } from '../../src/userns/restrictions.ts'
import { diagnoseUnshareFailure } from '../../src/userns/unshare-failure.ts'
import { explainMapFailure, type MapFailure } from '../../src/userns/write-failure.ts'

const FREE: Restrictions = {
  supported: true,
  maxUserNamespaces: 15000,
  unprivilegedClone: undefined,
  apparmorRestrict: undefined,
  seccompFilter: false,
  chrooted: false,
}
const EPERM = 1
const EINVAL = 22
const ENOSPC = 28
const EUSERS = 87

describe('diagnoseUnshareFailure()', () => {
  it.each([
    {
      errno: ENOSPC,
      host: { maxUserNamespaces: 0 },
      message: 'ENOSPC, user.max_user_namespaces is 0',
      hint: 'user.max_user_namespaces=15000',
    },
    { errno: ENOSPC, host: {}, message: 'the limit of namespaces is reached (15000)', hint: 'sysctl user' },
    { errno: EUSERS, host: {}, message: 'nested too deep', hint: 'outside' },
    {
      errno: EPERM,
      host: { unprivilegedClone: 0 },
      message: 'kernel.unprivileged_userns_clone is 0',
      hint: 'kernel.unprivileged_userns_clone=1',
    },
    {
      errno: EPERM,
      host: { apparmorRestrict: 1 },
      message: 'AppArmor restricts them',
      hint: 'profile bryo "/opt/bryo/bun" flags=(unconfined)',
    },
    { errno: EPERM, host: { chrooted: true }, message: 'in a chroot', hint: 'outside of the chroot' },
    { errno: EPERM, host: { seccompFilter: true }, message: 'a seccomp filter', hint: 'nested-userns' },
    { errno: EPERM, host: {}, message: 'EPERM', hint: 'bryo doctor' },
    { errno: EINVAL, host: {}, message: 'threads', hint: 'launcher' },
    { errno: EINVAL, host: { supported: false }, message: 'this kernel has none', hint: 'CONFIG_USER_NS' },
  ])('explains $message', ({ errno, host, message, hint }) => {
    const error = diagnoseUnshareFailure(errno, { ...FREE, ...host }, '/opt/bryo/bun')
    expect(error.code).toBe('USERNS_DENIED')
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })

  it('never speaks of a full disk', () => {
    expect(diagnoseUnshareFailure(ENOSPC, FREE).message).not.toMatch(/space left|disk/)
  })
})

describe('isChrooted()', () => {
  it('looks for a mount on /', () => {
    expect(isChrooted('22 1 8:1 / / rw - ext4 /dev/sda1 rw\n')).toBe(false)
    expect(isChrooted('30 22 0:5 / /proc rw - proc proc rw\n')).toBe(true)
  })
})

describe('explainMapFailure()', () => {
  const failure: MapFailure = {
    helper: 'newuidmap',
    exitCode: 1,
    stderr: '',
    identity: { uid: 1000, gid: 1000, userName: 'ana', loginGid: 1000 },
    privilege: { path: '/usr/bin/newuidmap', setuid: true, capability: false, nosuid: false },
    noNewPrivileges: false,
    nested: false,
  }
  const denied = 'newuidmap: write to uid_map failed: Operation not permitted\n'

  it.each([
    {
      name: 'a range that is not granted',
      change: { stderr: 'newuidmap: uid range [0-1) -> [5-6) not allowed\n' },
      message: 'cannot map ids: newuidmap: uid range [0-1) -> [5-6) not allowed',
      hint: '/etc/subuid lists for "ana"',
    },
    {
      name: 'another group than that of the login',
      change: {
        stderr: 'newuidmap: Target process 7 is owned by a different user: uid:1000 pw_uid:1000\n',
        identity: { uid: 1000, gid: 50, userName: 'ana', loginGid: 1000 },
      },
      message: 'the group of this process is 50, expected 1000, the login group of "ana"',
      hint: 'sg or newgrp',
    },
    {
      name: 'a helper without privilege',
      change: { stderr: denied, privilege: { ...failure.privilege, setuid: false } },
      message: 'Operation not permitted',
      hint: 'chmod u+s /usr/bin/newuidmap, or: setcap cap_setuid=ep /usr/bin/newuidmap',
    },
    {
      name: 'a nosuid mount',
      change: { stderr: denied, privilege: { ...failure.privilege, nosuid: true } },
      message: 'Operation not permitted',
      hint: 'mounted nosuid',
    },
    {
      name: 'no_new_privs',
      change: { stderr: denied, noNewPrivileges: true },
      message: 'Operation not permitted',
      hint: 'no_new_privs',
    },
    {
      name: 'a user without an entry',
      change: { stderr: 'newuidmap: Cannot determine your user name.\n' },
      message: 'Cannot determine your user name.',
      hint: 'user id 1000 has no entry',
    },
    {
      name: 'ids that are not there',
      change: { stderr: denied, nested: true },
      message: denied.trim(),
      hint: '/proc/self/uid_map',
    },
    { name: 'silence', change: { exitCode: 137 }, message: 'exit code 137', hint: '' },
  ])('explains $name', ({ change, message, hint }) => {
    const error = explainMapFailure({ ...failure, ...change })
    expect(error).toBeInstanceOf(BryoError)
    expect(error.code).toBe('IDMAP_FAILED')
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })
})
