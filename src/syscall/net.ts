import { closeSync } from 'node:fs'
import { check, SyscallError } from './error.ts'
import { pollReadable, readFd } from './fd.ts'
import { bind } from './native.ts'

const c = {
  socket: bind('int socket(int domain, int type, int protocol)'),
  ioctl: bind('int ioctl(int fd, size_t request, void *argument)'),
  send: bind('long send(int fd, const void *buffer, size_t size, int flags)'),
}

const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const SIOCGIFFLAGS = 0x8913
const SIOCSIFFLAGS = 0x8914
const IFF_UP = 1
const SIZEOF_IFREQ = 40

/** Sets the interface up in this network namespace; needs CAP_NET_ADMIN over it. @see netdevice(7) */
export function setInterfaceUp(name: string): void {
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

/** A rule of the routing policy that is about one destination address. @see ip-rule(8) */
export interface PolicyRule {
  /** Lower ones are looked at first. */
  readonly priority: number
  /** 4 or 16 bytes. */
  readonly destination: Uint8Array
  /** `main` goes on with the main routing table, `prohibit` answers EACCES. */
  readonly action: 'main' | 'prohibit'
  /** Only this protocol and destination port. */
  readonly only?: { readonly protocol: 'tcp' | 'udp'; readonly port: number }
}

const NETLINK_ROUTE = 0
const RTM_NEWRULE = 32
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLM_F_CREATE = 0x400
const NLMSG_ERROR = 2
const SIZEOF_NLMSGHDR = 16
const FR_ACT = { main: 1, prohibit: 8 } as const
const RT_TABLE_MAIN = 254
const FRA = { dst: 1, priority: 6, ipProto: 22, dportRange: 24 } as const
const IP_PROTO = { tcp: 6, udp: 17 } as const

function attribute(type: number, value: Uint8Array): Buffer {
  const size = 4 + value.byteLength
  const buffer = Buffer.alloc((size + 3) & ~3)
  buffer.writeUInt16LE(size, 0)
  buffer.writeUInt16LE(type, 2)
  buffer.set(value, 4)
  return buffer
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

/** struct fib_rule_hdr and its attributes. @see linux/fib_rules.h */
function ruleMessage(rule: PolicyRule, sequence: number): Buffer {
  const header = Buffer.alloc(12)
  header[0] = rule.destination.byteLength === 4 ? AF_INET : AF_INET6
  header[1] = rule.destination.byteLength * 8
  header[4] = rule.action === 'main' ? RT_TABLE_MAIN : 0
  header[7] = FR_ACT[rule.action]
  const parts = [header, attribute(FRA.dst, rule.destination), attribute(FRA.priority, uint32(rule.priority))]
  if (rule.only) {
    const range = Buffer.alloc(4)
    range.writeUInt16LE(rule.only.port, 0)
    range.writeUInt16LE(rule.only.port, 2)
    parts.push(attribute(FRA.ipProto, Uint8Array.of(IP_PROTO[rule.only.protocol])))
    parts.push(attribute(FRA.dportRange, range))
  }
  const body = Buffer.concat(parts)
  const message = Buffer.alloc(SIZEOF_NLMSGHDR + body.byteLength)
  message.writeUInt32LE(message.byteLength, 0)
  message.writeUInt16LE(RTM_NEWRULE, 4)
  message.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 6)
  message.writeUInt32LE(sequence, 8)
  message.set(body, SIZEOF_NLMSGHDR)
  return message
}

/** Adds rules to the routing policy of this network namespace. @see rtnetlink(7) RTM_NEWRULE */
export function addPolicyRules(rules: readonly PolicyRule[]): void {
  if (rules.length === 0) return
  const fd = check('socket', c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE))
  try {
    const batch = Buffer.concat(rules.map((rule, index) => ruleMessage(rule, index + 1)))
    check('send', c.send(fd, batch, batch.byteLength, 0), { family: 'netlink' })
    receiveAcknowledgements(fd, rules.length)
  } finally {
    closeSync(fd)
  }
}

const REPLY_TIMEOUT_MS = 5000

function receiveAcknowledgements(fd: number, count: number): void {
  const buffer = Buffer.alloc(8192)
  for (let received = 0; received < count; ) {
    if (!pollReadable(fd, REPLY_TIMEOUT_MS)) throw new Error('the kernel did not answer on a netlink socket')
    const length = readFd(fd, buffer)
    for (let at = 0; at + SIZEOF_NLMSGHDR + 4 <= length; ) {
      const errno = -buffer.readInt32LE(at + SIZEOF_NLMSGHDR)
      if (buffer.readUInt16LE(at + 4) !== NLMSG_ERROR || errno !== 0) {
        throw new SyscallError('netlink', errno, { request: 'RTM_NEWRULE' })
      }
      received++
      at += Math.max(SIZEOF_NLMSGHDR, (buffer.readUInt32LE(at) + 3) & ~3)
    }
  }
}
