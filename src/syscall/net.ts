import { closeSync } from 'node:fs'
import { check } from './error.ts'
import { bind } from './native.ts'

const c = {
  socket: bind('int socket(int domain, int type, int protocol)'),
  ioctl: bind('int ioctl(int fd, size_t request, void *argument)'),
}

const AF_INET = 2
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const SIOCGIFFLAGS = 0x8913
const SIOCSIFFLAGS = 0x8914
const IFF_UP = 1
const SIZEOF_IFREQ = 40

/** `lo` of a new network namespace is down, and 127.0.0.1 with it. Needs CAP_NET_ADMIN over the namespace. @see netdevice(7) */
export function bringLoopbackUp(): void {
  const fd = check('socket', c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
  try {
    const request = Buffer.alloc(SIZEOF_IFREQ)
    request.write('lo')
    check('ioctl', c.ioctl(fd, SIOCGIFFLAGS, request), { request: 'SIOCGIFFLAGS' })
    request.writeInt16LE(request.readInt16LE(16) | IFF_UP, 16)
    check('ioctl', c.ioctl(fd, SIOCSIFFLAGS, request), { request: 'SIOCSIFFLAGS' })
  } finally {
    closeSync(fd)
  }
}
