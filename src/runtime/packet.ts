import { isErrno } from '../base/errors.ts'
import { readFd, writeFd } from '../syscall/fd.ts'

const MAX_PACKET_BYTES = 65536

/** Sends a message as one packet. */
export function sendPacket(fd: number, message: object): void {
  writeFd(fd, Buffer.from(JSON.stringify(message)).subarray(0, MAX_PACKET_BYTES))
}

/**
 * The next message; undefined at the end. Both sides are copies of one program, of one user, up to the workload: what arrives has the form
 * of what was sent.
 */
export function receivePacket<M extends object>(fd: number): M | undefined {
  const buffer = Buffer.alloc(MAX_PACKET_BYTES)
  const length = readPacket(fd, buffer)
  return length === 0 ? undefined : (JSON.parse(buffer.toString('utf8', 0, length)) as M)
}

/**
 * The next packet's bytes; 0 at the end. Where the other side closed without reading all that was sent to it, the kernel says so once,
 * before it gives out what that side had sent.
 */
export function readPacket(fd: number, buffer: Buffer): number {
  try {
    return readFd(fd, buffer)
  } catch (error) {
    if (!isErrno(error, 'ECONNRESET')) throw error
    return readFd(fd, buffer)
  }
}
