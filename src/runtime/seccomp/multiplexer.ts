/** A system call of i386 that stands for many: its first argument says which, the second points at their arguments. */
export interface Multiplexer {
  readonly name: string
  readonly syscall: number
  /** The bits of the first argument that choose. */
  readonly mask: bigint
}

export interface MultiplexedCall {
  readonly multiplexer: string
  /** First argument of the multiplexer. */
  readonly entry: number
  /** Number of the call of its own, since Linux 4.3 (sockets) and 5.1 (System V IPC); undefined where i386 has none. */
  readonly direct: number | undefined
}

/** @see socketcall(2), ipc(2) */
export const MULTIPLEXERS: readonly Multiplexer[] = [
  { name: 'socketcall', syscall: 102, mask: 0xffffffffn },
  { name: 'ipc', syscall: 117, mask: 0xffffn },
]

const socketcall = (entry: number, direct?: number): MultiplexedCall => ({
  multiplexer: 'socketcall',
  entry,
  direct,
})
const ipc = (entry: number, direct?: number): MultiplexedCall => ({ multiplexer: 'ipc', entry, direct })

/** @see linux/net.h, linux/ipc.h, arch/x86/entry/syscalls/syscall_32.tbl */
export const MULTIPLEXED_CALLS: ReadonlyMap<string, MultiplexedCall> = new Map([
  ['socket', socketcall(1, 359)],
  ['bind', socketcall(2, 361)],
  ['connect', socketcall(3, 362)],
  ['listen', socketcall(4, 363)],
  ['accept', socketcall(5)],
  ['getsockname', socketcall(6, 367)],
  ['getpeername', socketcall(7, 368)],
  ['socketpair', socketcall(8, 360)],
  ['send', socketcall(9)],
  ['recv', socketcall(10)],
  ['sendto', socketcall(11, 369)],
  ['recvfrom', socketcall(12, 371)],
  ['shutdown', socketcall(13, 373)],
  ['setsockopt', socketcall(14, 366)],
  ['getsockopt', socketcall(15, 365)],
  ['sendmsg', socketcall(16, 370)],
  ['recvmsg', socketcall(17, 372)],
  ['accept4', socketcall(18, 364)],
  ['recvmmsg', socketcall(19, 337)],
  ['sendmmsg', socketcall(20, 345)],
  ['semop', ipc(1)],
  ['semget', ipc(2, 393)],
  ['semctl', ipc(3, 394)],
  ['semtimedop', ipc(4)],
  ['msgsnd', ipc(11, 400)],
  ['msgrcv', ipc(12, 401)],
  ['msgget', ipc(13, 399)],
  ['msgctl', ipc(14, 402)],
  ['shmat', ipc(21, 397)],
  ['shmdt', ipc(22, 398)],
  ['shmget', ipc(23, 395)],
  ['shmctl', ipc(24, 396)],
])
