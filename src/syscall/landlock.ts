import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { check, SyscallError } from './error.ts'
import { O } from './file.ts'
import { bind, lastErrno } from './native.ts'

const c = {
  createRuleset: bind('long syscall(long number, const void *attr, size_t size, uint32_t flags)'),
  addRule: bind('long syscall(long number, int rulesetFd, int type, const void *attr, uint32_t flags)'),
  restrictSelf: bind('long syscall(long number, int rulesetFd, uint32_t flags)'),
}

/** The same numbers on x86-64 and arm64. */
const SYS = { createRuleset: 444, addRule: 445, restrictSelf: 446 } as const
const CREATE_RULESET_VERSION = 1
/** With this version came the scopes. */
const SCOPES_ABI = 6
/** With this one, files may be moved between directories at all. */
const REFER_ABI = 2
const ACCESS_FS_REFER = 1n << 13n
const RULE_PATH_BENEATH = 1
const SCOPE = { abstractUnixSocket: 1n, signal: 2n } as const

/** Version of the kernel's Landlock; 0 where it has none, or it is off. @see landlock(7) */
export function landlockVersion(): number {
  const version = Number(c.createRuleset(SYS.createRuleset, null, 0, CREATE_RULESET_VERSION))
  if (version >= 0) return version
  const errno = lastErrno()
  // EPERM: a seccomp filter around this process knows no better.
  const { ENOSYS, EOPNOTSUPP, EPERM } = constants.errno
  if (errno === ENOSYS || errno === EOPNOTSUPP || errno === EPERM) return 0
  throw new SyscallError('landlock_create_ruleset', errno)
}

/** Whether {@link restrictScopes} has an effect here. */
export function canScope(): boolean {
  return landlockVersion() >= SCOPES_ABI
}

/** What ends at the processes that this one starts. */
export interface LandlockScopes {
  /** No connection to an abstract unix socket of anybody else. */
  readonly abstractSockets: boolean
  /** No signal to anybody else. */
  readonly signals: boolean
}

/**
 * Scopes this process and all that it will start, for good: nobody else can be traced or looked into by them any more either. An older kernel
 * does at least that, where signals are to be scoped. It needs no_new_privs, or CAP_SYS_ADMIN in the process's user namespace.
 * @returns false where the kernel cannot
 * @see landlock(7) Scope flags, Ptrace restrictions
 */
export function restrictScopes(
  { abstractSockets, signals }: LandlockScopes,
  version = landlockVersion(),
): boolean {
  if (version >= SCOPES_ABI) {
    const scoped = (abstractSockets ? SCOPE.abstractUnixSocket : 0n) | (signals ? SCOPE.signal : 0n)
    // struct landlock_ruleset_attr: accesses of files and of the network, none of which is handled, then the scopes.
    restrictSelf(BigUint64Array.of(0n, 0n, scoped))
    return true
  }
  // Every ruleset ends tracing; this one allows all that it handles. But what it restricts may mount nothing.
  if (signals && version >= REFER_ABI) restrictSelf(BigUint64Array.of(ACCESS_FS_REFER), allowReferring)
  return false
}

function restrictSelf(attr: BigUint64Array, addRules: (rulesetFd: number) => void = () => {}): void {
  const fd = check('landlock_create_ruleset', c.createRuleset(SYS.createRuleset, attr, attr.byteLength, 0))
  try {
    addRules(fd)
    check('landlock_restrict_self', c.restrictSelf(SYS.restrictSelf, fd, 0))
  } finally {
    closeSync(fd)
  }
}

/** Files may be moved from directory to directory everywhere. */
function allowReferring(rulesetFd: number): void {
  const root = openSync('/', O.path | O.directory | O.cloexec)
  try {
    // struct landlock_path_beneath_attr
    const attr = Buffer.alloc(12)
    attr.writeBigUInt64LE(ACCESS_FS_REFER, 0)
    attr.writeInt32LE(root, 8)
    check('landlock_add_rule', c.addRule(SYS.addRule, rulesetFd, RULE_PATH_BENEATH, attr, 0))
  } finally {
    closeSync(root)
  }
}
