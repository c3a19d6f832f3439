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

/** Sets the interface up in this network namespace; needs CAP_NET_ADMIN over it. @see netdevice(7) */
function setInterfaceUp(name: string): void {
  const fd = check('socket', c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
  try {
    const request = Buffer.alloc(SIZEOF_IFREQ)
    request.write(name, 0, 15)
    check('ioctl', c.ioctl(fd, SIOCGIFFLAGS, request), { request: 'SIOCGIFFLAGS', name })
    request.writeInt16LE(request.readInt16LE(16) | IFF_UP, 16)
    check('ioctl', c.ioctl(fd, SIOCSIFFLAGS, request), { request: 'SIOCSIFFLAGS', name })
  } finally {
    closeSync(fd)
  }
}

/** `lo` of a new network namespace is down, and 127.0.0.1 with it. */
export function bringLoopbackUp(): void {
  setInterfaceUp('lo')
}
