import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { check, SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

const c = {
  socket: bind('int socket(int domain, int type, int protocol)'),
  bind: bind('int bind(int fd, const void *address, uint32_t size)'),
  connect: bind('int connect(int fd, const void *address, uint32_t size)'),
  listen: bind('int listen(int fd, int backlog)'),
  accept4: bind('int accept4(int fd, void *address, void *size, int flags)'),
  shutdown: bind('int shutdown(int fd, int how)'),
  setsockopt: bind('int setsockopt(int fd, int level, int option, const void *value, uint32_t size)'),
  getsockopt: bind('int getsockopt(int fd, int level, int option, void *value, void *size)'),
  getsockname: bind('int getsockname(int fd, void *address, void *size)'),
  getpeername: bind('int getpeername(int fd, void *address, void *size)'),
  recvfrom: bind(
    'long recvfrom(int fd, void *buffer, size_t size, int flags, void *address, void *addressSize)',
  ),
  sendto: bind(
    'long sendto(int fd, const void *buffer, size_t size, int flags, const void *address, uint32_t addressSize)',
  ),
  splice: bind(
    'long splice(int from, void *fromOffset, int to, void *toOffset, size_t size, uint32_t flags)',
  ),
}

const AF = { unix: 1, inet: 2, inet6: 10 } as const
const SOCK = { stream: 1, dgram: 2, seqpacket: 5, nonblock: 0o4000, cloexec: 0o2000000 } as const
const SIZEOF_SOCKADDR_STORAGE = 128

/** An address and port of the internet families. */
export interface InetAddress {
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array
  readonly port: number
}

/** @see ip(7) sockaddr_in, ipv6(7) sockaddr_in6 */
function encode({ address, port }: InetAddress): Buffer {
  const v4 = address.byteLength === 4
  const buffer = Buffer.alloc(v4 ? 16 : 28)
  buffer.writeUInt16LE(v4 ? AF.inet : AF.inet6, 0)
  buffer.writeUInt16BE(port, 2)
  buffer.set(address, v4 ? 4 : 8)
  return buffer
}

function decode(buffer: Buffer): InetAddress {
  const v4 = buffer.readUInt16LE(0) === AF.inet
  const start = v4 ? 4 : 8
  return {
    address: Uint8Array.from(buffer.subarray(start, start + (v4 ? 4 : 16))),
    port: buffer.readUInt16BE(2),
  }
}

function lengthOf(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

export interface InetSocketOptions {
  readonly kind: 'tcp' | 'udp'
  readonly family: 4 | 6
  readonly nonBlocking?: boolean
}

/** A close-on-exec socket; an IPv6 one serves IPv6 only. */
export function inetSocket({ kind, family, nonBlocking = false }: InetSocketOptions): number {
  const type = (kind === 'tcp' ? SOCK.stream : SOCK.dgram) | SOCK.cloexec | (nonBlocking ? SOCK.nonblock : 0)
  const fd = check('socket', c.socket(family === 4 ? AF.inet : AF.inet6, type, 0), { kind, family })
  if (family === 6) setOption(fd, { level: IPPROTO_IPV6, option: IPV6_V6ONLY, value: 1 })
  return fd
}

const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_ERROR = 4
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26

function setOption(
  fd: number,
  o: { readonly level: number; readonly option: number; readonly value: number },
): void {
  check('setsockopt', c.setsockopt(fd, o.level, o.option, lengthOf(o.value), 4), { fd, option: o.option })
}

/** SO_REUSEADDR: a TCP port in TIME_WAIT may be bound; UDP sockets that all set it may share a port. @see socket(7) */
export function setReuseAddress(fd: number): void {
  setOption(fd, { level: SOL_SOCKET, option: SO_REUSEADDR, value: 1 })
}

/** The pending error of a socket, cleared by reading: 0 for none. */
export function takeSocketError(fd: number): number {
  const value = Buffer.alloc(4)
  check('getsockopt', c.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, lengthOf(4)), { fd })
  return value.readInt32LE()
}

/** @throws SyscallError EADDRINUSE, EACCES, EADDRNOTAVAIL */
export function bindInet(fd: number, to: InetAddress): void {
  const address = encode(to)
  check('bind', c.bind(fd, address, address.byteLength), { port: to.port })
}

/** For a non-blocking socket EINPROGRESS is no error: wait until it can be written, then {@link takeSocketError}. */
export function connectInet(fd: number, to: InetAddress): void {
  const address = encode(to)
  if (Number(c.connect(fd, address, address.byteLength)) === 0) return
  const errno = lastErrno()
  if (errno !== constants.errno.EINPROGRESS) throw new SyscallError('connect', errno, { port: to.port })
}

export function listen(fd: number, backlog: number): void {
  check('listen', c.listen(fd, backlog), { fd })
}

/** A close-on-exec, non-blocking connection; undefined where none waits or it is gone again. */
export function acceptNonBlocking(fd: number): number | undefined {
  const result = Number(c.accept4(fd, null, null, SOCK.cloexec | SOCK.nonblock))
  if (result >= 0) return result
  const errno = lastErrno()
  const { EAGAIN, ECONNABORTED, EINTR } = constants.errno
  if (errno === EAGAIN || errno === ECONNABORTED || errno === EINTR) return undefined
  throw new SyscallError('accept4', errno, { fd })
}

/** The socket's own address. */
export function socketName(fd: number): InetAddress {
  const buffer = Buffer.alloc(SIZEOF_SOCKADDR_STORAGE)
  check('getsockname', c.getsockname(fd, buffer, lengthOf(buffer.byteLength)), { fd })
  return decode(buffer)
}

/** The address of the other end. */
export function peerName(fd: number): InetAddress {
  const buffer = Buffer.alloc(SIZEOF_SOCKADDR_STORAGE)
  check('getpeername', c.getpeername(fd, buffer, lengthOf(buffer.byteLength)), { fd })
  return decode(buffer)
}

export interface Datagram {
  readonly length: number
  readonly from: InetAddress
}

/**
 * One datagram into `buffer`; undefined where none waits.
 * @throws SyscallError ECONNREFUSED where an earlier one was refused
 */
export function receiveDatagram(fd: number, buffer: Uint8Array): Datagram | undefined {
  const address = Buffer.alloc(SIZEOF_SOCKADDR_STORAGE)
  const length = Number(c.recvfrom(fd, buffer, buffer.byteLength, 0, address, lengthOf(address.byteLength)))
  if (length >= 0) return { length, from: decode(address) }
  const errno = lastErrno()
  if (errno === constants.errno.EAGAIN || errno === constants.errno.EINTR) return undefined
  throw new SyscallError('recvfrom', errno, { fd })
}

/** Sends one datagram, to `to` or to the connected address. */
export function sendDatagram(fd: number, data: Uint8Array, to?: InetAddress): void {
  const address = to && encode(to)
  const result = c.sendto(fd, data, data.byteLength, MSG_NOSIGNAL, address ?? null, address?.byteLength ?? 0)
  check('sendto', result, { fd })
}

const MSG_NOSIGNAL = 0x4000

/** Connects to a stream socket of the file system; `path` has at most 107 bytes. @see unix(7) */
export function connectUnixSocket(path: string): number {
  const address = Buffer.alloc(110)
  address.writeUInt16LE(AF.unix, 0)
  address.write(path, 2, 107)
  const fd = check('socket', c.socket(AF.unix, SOCK.stream | SOCK.cloexec, 0), { path })
  check('connect', c.connect(fd, address, 2 + Math.min(Buffer.byteLength(path), 107) + 1), { path })
  return fd
}

/** A path that begins with `@` is a name of the abstract namespace. */
function unixAddress(path: string): Buffer {
  const bytes = Buffer.from(path)
  if (bytes.byteLength > 107) throw new SyscallError('socket', constants.errno.ENAMETOOLONG, { path })
  const address = Buffer.alloc(2 + bytes.byteLength + 1)
  address.writeUInt16LE(AF.unix, 0)
  address.set(bytes, 2)
  if (!path.startsWith('@')) return address
  address[2] = 0
  return address.subarray(0, -1)
}

/**
 * A close-on-exec, non-blocking socket that keeps message bounds and waits for connections at `path`, which has at most 107 bytes and may be
 * below /proc/self/fd. Who may connect is decided by the mode that umask leaves.
 */
export function listenUnixMessages(path: string): number {
  const address = unixAddress(path)
  const fd = check('socket', c.socket(AF.unix, SOCK.seqpacket | SOCK.cloexec | SOCK.nonblock, 0), { path })
  check('bind', c.bind(fd, address, address.byteLength), { path })
  listen(fd, 16)
  return fd
}

/** Connects to such a socket; the connection blocks. @throws SyscallError ENOENT, ECONNREFUSED where nobody listens */
export function connectUnixMessages(path: string): number {
  const address = unixAddress(path)
  const fd = check('socket', c.socket(AF.unix, SOCK.seqpacket | SOCK.cloexec, 0), { path })
  try {
    check('connect', c.connect(fd, address, address.byteLength), { path })
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

const SO_SNDTIMEO = 21

/** A close-on-exec datagram socket for {@link sendToUnix}, where a full receiver is waited for that long. */
export function unixDatagramSocket(options: { readonly sendTimeoutMs: number }): number {
  const fd = check('socket', c.socket(AF.unix, SOCK.dgram | SOCK.cloexec, 0))
  const timeval = Buffer.alloc(16)
  timeval.writeBigInt64LE(BigInt(Math.floor(options.sendTimeoutMs / 1000)), 0)
  timeval.writeBigInt64LE(BigInt(options.sendTimeoutMs % 1000) * 1000n, 8)
  check('setsockopt', c.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeval, timeval.byteLength), { fd })
  return fd
}

/**
 * Sends one datagram to whoever has bound `path` now.
 * @throws SyscallError EAGAIN where nobody reads, ENOENT and ECONNREFUSED where nobody listens, EMSGSIZE
 */
export function sendToUnix(fd: number, data: Uint8Array, path: string): void {
  const address = unixAddress(path)
  const result = c.sendto(fd, data, data.byteLength, MSG_NOSIGNAL, address, address.byteLength)
  check('sendto', result, { path })
}

/** A close-on-exec, non-blocking datagram socket at `path`. */
export function bindUnixDatagram(path: string): number {
  const address = unixAddress(path)
  const fd = check('socket', c.socket(AF.unix, SOCK.dgram | SOCK.cloexec | SOCK.nonblock, 0), { path })
  check('bind', c.bind(fd, address, address.byteLength), { path })
  return fd
}

const SHUT_WR = 1

/** The other side reads an end of file; what it still sends can be read. False where it is gone. */
export function shutdownWrite(fd: number): boolean {
  return Number(c.shutdown(fd, SHUT_WR)) === 0
}

const SPLICE_F_MOVE = 1
const SPLICE_F_NONBLOCK = 2

/**
 * Moves up to `size` bytes between fds of which one is a pipe, without blocking.
 * @returns bytes moved, 0 at the end, undefined where it would block
 */
export function spliceNonBlocking(from: number, to: number, size: number): number | undefined {
  const moved = Number(c.splice(from, null, to, null, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK))
  if (moved >= 0) return moved
  const errno = lastErrno()
  if (errno === constants.errno.EAGAIN || errno === constants.errno.EINTR) return undefined
  throw new SyscallError('splice', errno, { from, to })
}
