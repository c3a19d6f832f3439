import { closeSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { isErrno } from '../base/errors.ts'
import { connectInet, inetSocket, socketName } from '../syscall/socket.ts'
import { formatIp, isLoopback, isWildcard } from './ip.ts'

/** Of TEST-NET-3: any address that the default route leads to will do, because nothing is sent. */
const ELSEWHERE = { address: Uint8Array.of(203, 0, 113, 1), port: 9 }

/**
 * The host's own IPv4 address that a container behind slirp4netns can reach: the one that the default route uses, else the first
 * that is not loopback; undefined for a host without one.
 */
export function findHostAddress(): string | undefined {
  const fd = inetSocket({ kind: 'udp', family: 4 })
  try {
    connectInet(fd, ELSEWHERE)
    const { address } = socketName(fd)
    if (!isWildcard(address) && !isLoopback(address)) return formatIp(address)
  } catch (error) {
    if (!isErrno(error, 'ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EPERM')) throw error
  } finally {
    closeSync(fd)
  }
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find((address) => address.family === 'IPv4' && !address.internal)?.address
}
