import { check } from './error.ts'
import { bind } from './native.ts'

const c = {
  fsopen: bind('long syscall(long number, const char *fstype, uint32_t flags)'),
  fsconfig: bind(
    'long syscall(long number, int fd, uint32_t command, const char *key, const char *value, int aux)',
  ),
  fsmount: bind('long syscall(long number, int fd, uint32_t flags, uint32_t attributes)'),
}

const SYS_FSOPEN = 430
const SYS_FSCONFIG = 431
const SYS_FSMOUNT = 432
const FSOPEN_CLOEXEC = 1
const FSMOUNT_CLOEXEC = 1
const FSCONFIG_SET_FLAG = 0
const FSCONFIG_SET_STRING = 1
const FSCONFIG_CMD_CREATE = 6

export interface NewMountRequest {
  readonly fstype: string
  readonly source?: string
  /** Options of the filesystem; an empty value stands for a flag such as `newinstance`. */
  readonly options?: Readonly<Record<string, string>>
  /** Bits of MOUNT_ATTR. */
  readonly attributes?: number
}

/**
 * A new filesystem as a detached mount: a close-on-exec fd, to be attached by moveMountOnto.
 * @param closeFd closes the intermediate configuration fd
 * @see fsopen(2), fsconfig(2), fsmount(2)
 */
export function newMount(request: NewMountRequest, closeFd: (fd: number) => void): number {
  const { fstype, source, options = {}, attributes = 0 } = request
  const context = check('fsopen', c.fsopen(SYS_FSOPEN, fstype, FSOPEN_CLOEXEC), { fstype })
  try {
    if (source !== undefined) configure(context, 'source', source, fstype)
    for (const [key, value] of Object.entries(options)) configure(context, key, value, fstype)
    check('fsconfig', c.fsconfig(SYS_FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0), { fstype })
    return check('fsmount', c.fsmount(SYS_FSMOUNT, context, FSMOUNT_CLOEXEC, attributes), { fstype })
  } finally {
    closeFd(context)
  }
}

function configure(context: number, key: string, value: string, fstype: string): void {
  const result =
    value === ''
      ? c.fsconfig(SYS_FSCONFIG, context, FSCONFIG_SET_FLAG, key, null, 0)
      : c.fsconfig(SYS_FSCONFIG, context, FSCONFIG_SET_STRING, key, value, 0)
  check('fsconfig', result, { fstype, key, value })
}
