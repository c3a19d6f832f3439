import { closeSync, readdirSync, readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { unlessErrno } from '../base/errors.ts'
import { check, SyscallError } from './error.ts'
import { addressOf, bind, lastErrno } from './native.ts'

const c = {
  fcntl: bind('int fcntl(int fd, int command, int argument)'),
  closeRange: bind('int close_range(uint32_t first, uint32_t last, int flags)'),
  pipe2: bind('int pipe2(_Out_ int *fds, int flags)'),
  socketpair: bind('int socketpair(int domain, int type, int protocol, _Out_ int *fds)'),
  dup2: bind('int dup2(int from, int to)'),
  poll: bind('int poll(void *fds, size_t count, int timeoutMs)'),
  flock: bind('int flock(int fd, int operation)'),
  sendmsg: bind('long sendmsg(int fd, const void *message, int flags)'),
  read: bind('long read(int fd, void *buffer, size_t size)'),
  write: bind('long write(int fd, const void *buffer, size_t size)'),
  memfdCreate: bind('int memfd_create(const char *name, uint32_t flags)'),
}

/** A file descriptor with an owner: closed once, at the latest when its scope ends. */
export interface OwnedFd extends Disposable {
  readonly fd: number
  close(): void
}

export function ownFd(fd: number): OwnedFd {
  let open = true
  const close = () => {
    if (!open) return
    open = false
    closeSync(fd)
  }
  return { fd, close, [Symbol.dispose]: close }
}

const F_SETFD = 2
const F_DUPFD_CLOEXEC = 1030
const FD_CLOEXEC = 1

export function setCloseOnExec(fd: number, on: boolean): void {
  check('fcntl', c.fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0), { fd })
}

const F_GETFL = 3
const F_SETFL = 4
const O_NONBLOCK = 0o4000

/** Of the open file, so of every duplicate: only for files that this program opened itself. */
export function setNonBlocking(fd: number): void {
  const flags = check('fcntl', c.fcntl(fd, F_GETFL, 0), { fd })
  check('fcntl', c.fcntl(fd, F_SETFL, flags | O_NONBLOCK), { fd })
}

/** A close-on-exec duplicate with a number of at least `minimum`. */
export function dupAtLeast(fd: number, minimum: number): number {
  return check('fcntl', c.fcntl(fd, F_DUPFD_CLOEXEC, minimum), { fd })
}

/** dup2(2): `to` stays open over execve. */
export function dup2(from: number, to: number): void {
  check('dup2', c.dup2(from, to), { from, to })
}

const CLOSE_RANGE_CLOEXEC = 4

/** Marks every fd from `first` on as close-on-exec. @see close_range(2) */
export function closeOnExecFrom(first: number): void {
  check('close_range', c.closeRange(first, 0xffffffff, CLOSE_RANGE_CLOEXEC), { first })
}

/** Closes every fd from `first` to `last`. */
export function closeRange(first: number, last = 0xffffffff): void {
  if (first > last) return
  check('close_range', c.closeRange(first, last, 0), { first, last })
}

/**
 * Closes every fd but these, in a forked child that goes on in JavaScript. The event fds stay too: V8 wakes its
 * event loop by one of them when it collects garbage, and aborts where it is gone.
 */
export function closeAllFdsBut(keep: readonly number[]): void {
  const kept = new Set([...keep, ...eventFds()])
  let next = 0
  for (const fd of [...kept].sort((a, b) => a - b)) {
    closeRange(next, fd - 1)
    next = fd + 1
  }
  closeRange(next)
}

function eventFds(): readonly number[] {
  return readdirSync('/proc/self/fd').map(Number).filter(isEventFd)
}

function isEventFd(fd: number): boolean {
  // The directory that was just listed.
  return unlessErrno(() => readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventfd]', 'ENOENT') ?? false
}

const O_CLOEXEC = 0o2000000

/** `[readEnd, writeEnd]`, both close-on-exec. */
export function pipe(): readonly [number, number] {
  const fds = [-1, -1]
  check('pipe2', c.pipe2(fds, O_CLOEXEC))
  return [fds[0] ?? -1, fds[1] ?? -1]
}

const F_SETPIPE_SZ = 1031

/** Asks for a larger pipe; the user's limit on all pipes together may stand against it, and then it stays as it is. */
export function growPipe(fd: number, bytes: number): void {
  if (Number(c.fcntl(fd, F_SETPIPE_SZ, bytes)) >= 0) return
  const errno = lastErrno()
  if (errno !== constants.errno.EPERM) throw new SyscallError('fcntl', errno, { fd, bytes })
}

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0o2000000

/** Two ends that keep message bounds, both close-on-exec. @see unix(7) */
export function messageSocketPair(): readonly [number, number] {
  const fds = [-1, -1]
  check('socketpair', c.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
  return [fds[0] ?? -1, fds[1] ?? -1]
}

const POLLIN = 1

/**
 * Waits until `fd` can be read (or its other end is gone).
 * @param timeoutMs negative for no limit
 * @returns false when the time is over
 */
export function pollReadable(fd: number, timeoutMs: number): boolean {
  const pollfd = Buffer.alloc(8)
  const deadline = Date.now() + timeoutMs
  for (;;) {
    pollfd.writeInt32LE(fd, 0)
    pollfd.writeInt16LE(POLLIN, 4)
    pollfd.writeInt16LE(0, 6)
    const result = Number(c.poll(pollfd, 1, timeoutMs < 0 ? -1 : Math.max(0, deadline - Date.now())))
    if (result >= 0) return result > 0
    const errno = lastErrno()
    if (errno !== constants.errno.EINTR) throw new SyscallError('poll', errno, { fd })
  }
}

/** read(2) with EINTR repeated; 0 at the end. */
export function readFd(fd: number, buffer: Uint8Array): number {
  for (;;) {
    const result = Number(c.read(fd, buffer, buffer.byteLength))
    if (result >= 0) return result
    const errno = lastErrno()
    if (errno !== constants.errno.EINTR) throw new SyscallError('read', errno, { fd })
  }
}

/** As {@link readFd}; undefined where nothing can be read now. */
export function readAvailable(fd: number, buffer: Uint8Array): number | undefined {
  return unlessBlocked('read', fd, () => c.read(fd, buffer, buffer.byteLength))
}

/** write(2) of as much as fits now; undefined where nothing does. */
export function writeAvailable(fd: number, data: Uint8Array): number | undefined {
  return unlessBlocked('write', fd, () => c.write(fd, data, data.byteLength))
}

function unlessBlocked(name: string, fd: number, call: () => unknown): number | undefined {
  for (;;) {
    const result = Number(call())
    if (result >= 0) return result
    const errno = lastErrno()
    if (errno === constants.errno.EAGAIN) return undefined
    if (errno !== constants.errno.EINTR) throw new SyscallError(name, errno, { fd })
  }
}

/** write(2) until all is written. */
export function writeFd(fd: number, data: Uint8Array): void {
  let rest = data
  while (rest.byteLength > 0) {
    const result = Number(c.write(fd, rest, rest.byteLength))
    if (result >= 0) {
      rest = rest.subarray(result)
      continue
    }
    const errno = lastErrno()
    if (errno !== constants.errno.EINTR) throw new SyscallError('write', errno, { fd })
  }
}

const LOCK = { shared: 1, exclusive: 2, unlock: 8 } as const
const LOCK_NB = 4

/**
 * flock(2); the kernel releases it with the last duplicate of the fd.
 * @returns false where `wait` is false and another holds it
 */
export function flock(fd: number, mode: keyof typeof LOCK, options: { readonly wait: boolean }): boolean {
  for (;;) {
    if (Number(c.flock(fd, LOCK[mode] | (options.wait ? 0 : LOCK_NB))) === 0) return true
    const errno = lastErrno()
    if (errno === constants.errno.EWOULDBLOCK) return false
    if (errno !== constants.errno.EINTR) throw new SyscallError('flock', errno, { fd })
  }
}

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const F_ADD_SEALS = 1033
const F_SEAL_GROW = 4

/** An anonymous file in memory, close-on-exec; `sealable` for {@link sealGrowth}. */
export function memfdCreate(name: string, options: { readonly sealable?: boolean } = {}): number {
  const flags = MFD_CLOEXEC | (options.sealable ? MFD_ALLOW_SEALING : 0)
  return check('memfd_create', c.memfdCreate(name, flags), { name })
}

/** From now on a write beyond the end of this memfd is EPERM for everybody who has it. @see fcntl(2) F_SEAL_GROW */
export function sealGrowth(fd: number): void {
  check('fcntl', c.fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), { fd })
}

const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const SIZEOF_MSGHDR = 56

const recvmsg = bind('long recvmsg(int fd, void *message, int flags)')
const MSG_CMSG_CLOEXEC = 0x40000000

/** Sends one byte and a file descriptor over a unix socket. @see unix(7) SCM_RIGHTS, cmsg(3) */
export function sendFd(socket: number, fd: number): void {
  const { message } = messageWithControl((control) => control.writeInt32LE(fd, 16))
  check('sendmsg', c.sendmsg(socket, message.header, 0), { fd })
}

/** Receives what {@link sendFd} sent: a close-on-exec fd. */
export function receiveFd(socket: number): number {
  const { message } = messageWithControl(() => {})
  check('recvmsg', recvmsg(socket, message.header, MSG_CMSG_CLOEXEC))
  return message.control.readInt32LE(16)
}

interface Message {
  readonly header: Buffer
  /** Kept here so that the memory lives as long as the header that points to it. */
  readonly control: Buffer
  readonly iov: Buffer
  readonly data: Buffer
}

function messageWithControl(fill: (control: Buffer) => void): { readonly message: Message } {
  const data = Buffer.alloc(8, 0x2e)
  const iov = Buffer.alloc(16)
  iov.writeBigUInt64LE(addressOf(data), 0)
  iov.writeBigUInt64LE(1n, 8)
  const control = Buffer.alloc(24)
  control.writeBigUInt64LE(20n, 0)
  control.writeInt32LE(SOL_SOCKET, 8)
  control.writeInt32LE(SCM_RIGHTS, 12)
  control.writeInt32LE(-1, 16)
  fill(control)
  const header = Buffer.alloc(SIZEOF_MSGHDR)
  header.writeBigUInt64LE(addressOf(iov), 16)
  header.writeBigUInt64LE(1n, 24)
  header.writeBigUInt64LE(addressOf(control), 32)
  header.writeBigUInt64LE(24n, 40)
  return { message: { header, control, iov, data } }
}
