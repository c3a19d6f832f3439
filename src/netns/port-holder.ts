import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { unlessErrno } from '../base/errors.ts'
import type { PortMapping, PortProtocol } from '../base/port.ts'
import { isWildcard } from './ip.ts'
import { hostAddressBytes } from './publish.ts'

/** A row of /proc/net/{tcp,udp}{,6}. @see proc(5) */
export interface SocketRow {
  /** 4 or 16 bytes; an IPv4 address that is mapped into IPv6 as 4. */
  readonly address: Uint8Array
  readonly port: number
  readonly listening: boolean
  readonly uid: number
  readonly inode: string
}

const TCP_LISTEN = '0A'
const UDP_UNCONNECTED = '07'

export function parseSocketTable(text: string): SocketRow[] {
  const rows: SocketRow[] = []
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    const [hex = '', portHex = ''] = (fields[1] ?? '').split(':')
    if ((hex.length !== 8 && hex.length !== 32) || fields.length < 10) continue
    rows.push({
      address: unmapped(wordsToBytes(hex)),
      port: Number.parseInt(portHex, 16),
      listening: fields[3] === TCP_LISTEN || fields[3] === UDP_UNCONNECTED,
      uid: Number(fields[7]),
      inode: fields[9] ?? '',
    })
  }
  return rows
}

/** The kernel prints each 32-bit word in the byte order of the machine, which is little-endian here. */
function wordsToBytes(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex')
  bytes.swap32()
  return Uint8Array.from(bytes)
}

function unmapped(address: Uint8Array): Uint8Array {
  const mapped =
    address.length === 16 &&
    Buffer.from(address)
      .toString('hex')
      .startsWith(`${'0'.repeat(20)}ffff`)
  return mapped ? address.slice(12) : address
}

/** Who has a port, as far as this user may know. */
export type PortHolder =
  | { readonly kind: 'process'; readonly pid: number; readonly command: string }
  /** The socket is of this user, or of another one: its process cannot be seen. */
  | { readonly kind: 'user'; readonly uid: number }

/** The holder of the socket that keeps `mapping` from being bound; undefined where it is gone or cannot be known. */
export function findPortHolder(mapping: PortMapping): PortHolder | undefined {
  const wanted = hostAddressBytes(mapping.hostIp)
  const row = readTables(mapping.protocol).find(
    (r) => r.listening && r.port === mapping.hostPort && overlaps(r.address, wanted),
  )
  if (!row) return undefined
  return findProcess(row.inode) ?? { kind: 'user', uid: row.uid }
}

/** An IPv6 wildcard serves IPv4 as well, unless it says otherwise. */
function overlaps(bound: Uint8Array, wanted: Uint8Array): boolean {
  if (isWildcard(bound)) return bound.length === 16 || wanted.length === 4
  if (bound.length !== wanted.length) return false
  return isWildcard(wanted) || bound.every((byte, index) => byte === wanted[index])
}

function readTables(protocol: PortProtocol): SocketRow[] {
  return [protocol, `${protocol}6`].flatMap((name) =>
    parseSocketTable(unlessErrno(() => readFileSync(`/proc/self/net/${name}`, 'utf8'), 'ENOENT') ?? ''),
  )
}

/** Only the processes of this user let their fds be read. */
function findProcess(inode: string): PortHolder | undefined {
  const link = `socket:[${inode}]`
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
  const pid = pids.find((candidate) => hasOpen(candidate, link))
  if (pid === undefined) return undefined
  return { kind: 'process', pid: Number(pid), command: commandOf(pid) }
}

function hasOpen(pid: string, link: string): boolean {
  // Of another user, or ended in between.
  const isLink = (fd: string) => readlinkSync(`/proc/${pid}/fd/${fd}`) === link
  const errors = ['EACCES', 'EPERM', 'ENOENT', 'ESRCH']
  return unlessErrno(() => readdirSync(`/proc/${pid}/fd`).some(isLink), ...errors) ?? false
}

function commandOf(pid: string): string {
  return unlessErrno(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'ENOENT', 'ESRCH') ?? 'ended'
}

/** For a message: `process 4711 (nginx)`. */
export function describeHolder(holder: PortHolder, ownUid: number): string {
  if (holder.kind === 'process') return `process ${holder.pid} (${holder.command})`
  const whose = holder.uid === ownUid ? 'a hidden process of yours' : 'a process of another user'
  return `${whose} (uid ${holder.uid})`
}
