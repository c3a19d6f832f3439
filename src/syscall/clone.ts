import { check } from './error.ts'
import { CLONE_FLAG, type NamespaceType } from './namespace.ts'
import { bind } from './native.ts'
import { endWith, fork, hasOneThread, shareMemoryWithChildren } from './process.ts'

const c = {
  clone: bind(
    'long syscall(long number, size_t flags, size_t stack, size_t parentTid, size_t fourth, size_t fifth)',
  ),
  tidAddress: bind('int prctl(int option, _Out_ size_t *address, size_t b, size_t c, size_t d)'),
}

const ARM = process.arch === 'arm64'
const SYS_CLONE = ARM ? 220 : 56
const PR_GET_TID_ADDRESS = 40
const SIGCHLD = 17
/** The kernel writes the child's thread id where the C library keeps it, as its own fork(3) has it done. */
const KEEP_TID = 0x01000000 | 0x00200000
const CLONE_PARENT = 0x00008000

/**
 * As forkChild(), straight into new namespaces: in place of a child that calls unshare(2) and forks once more.
 *
 * This goes past the C library's fork(3), and past what is registered to run there. That guards the locks of other threads: here there must be none.
 * @returns the child's pid, in the parent only; undefined where there are other threads, or a kernel without CONFIG_CHECKPOINT_RESTORE
 * @throws SyscallError clone
 * @see clone(2), PR_GET_TID_ADDRESS of prctl(2)
 */
export function cloneChild(types: readonly NamespaceType[], main: () => number): number | undefined {
  const tid = hasOneThread() ? tidAddress() : undefined
  if (tid === undefined) return undefined
  const flags = types.reduce((sum, type) => sum + CLONE_FLAG[type], SIGCHLD + KEEP_TID)
  const pid = check('clone', clone(flags, tid), { types: types.join(',') })
  return pid === 0 ? endWith(main) : pid
}

/** As fork(), in a child that fork() has made, which therefore has one thread: a sibling of it, a child of its parent, where the kernel can. */
export function forkSibling(): { readonly pid: number; readonly isSibling: boolean } {
  const tid = tidAddress()
  if (tid === undefined) return { pid: fork(), isSibling: false }
  return { pid: check('clone', clone(SIGCHLD + KEEP_TID + CLONE_PARENT, tid)), isSibling: true }
}

function clone(flags: number, tid: number): unknown {
  shareMemoryWithChildren()
  return ARM ? c.clone(SYS_CLONE, flags, 0, 0, 0, tid) : c.clone(SYS_CLONE, flags, 0, 0, tid, 0)
}

/** Where the C library keeps this thread's id. */
function tidAddress(): number | undefined {
  const address = [0]
  return Number(c.tidAddress(PR_GET_TID_ADDRESS, address, 0, 0, 0)) === 0 && address[0]
    ? address[0]
    : undefined
}
