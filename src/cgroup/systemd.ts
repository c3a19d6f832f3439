import { existsSync } from 'node:fs'
import { BryoError, messageOf } from '../base/errors.ts'
import { ownFd, pollReadable, readFd, writeFd } from '../syscall/fd.ts'
import { connectUnixSocket } from '../syscall/socket.ts'
import { type DbusMessage, type DbusValue, decodeMessage, encodeCall } from './message.ts'

const DESTINATION = 'org.freedesktop.systemd1'
const REPLY_MS = 10_000

/** Where the user's systemd listens; undefined where the user has none. Both sockets speak D-Bus, the first without a bus between. */
export function managerSocket(runtimeDirectory: string): string | undefined {
  return ['systemd/private', 'bus']
    .map((name) => `${runtimeDirectory}/${name}`)
    .find((path) => existsSync(path))
}

/** The user's systemd refused, or says nothing. */
export class ManagerFailure extends BryoError {
  /** `org.freedesktop.systemd1.UnitExists` */
  readonly errorName: string

  constructor(member: string, found: string, errorName = '', cause?: unknown) {
    super('RUNTIME', `cannot call ${member} of your systemd: ${found}`, { cause })
    this.errorName = errorName
  }
}

/** Calls a method of the user's systemd and waits for its answer. @throws ManagerFailure */
export function callManager(socket: string, member: string, args: readonly DbusValue[]): void {
  try {
    using connection = ownFd(connectUnixSocket(socket))
    const isBus = socket.endsWith('/bus')
    const manager = {
      destination: DESTINATION,
      path: '/org/freedesktop/systemd1',
      interface: `${DESTINATION}.Manager`,
    }
    const hello = {
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
    }
    const calls = [
      ...(isBus ? [encodeCall({ ...hello, serial: 1, member: 'Hello', args: [] })] : []),
      encodeCall({ ...manager, serial: 2, member, args }),
    ]
    authenticate(connection.fd)
    writeFd(connection.fd, Buffer.concat(calls))
    const reply = awaitReply(connection.fd, 2)
    if (reply.kind === 'error')
      throw new ManagerFailure(member, reply.text ?? reply.errorName ?? 'an error', reply.errorName)
  } catch (error) {
    throw error instanceof ManagerFailure ? error : new ManagerFailure(member, messageOf(error), '', error)
  }
}

/** Without a word on who this is: the kernel tells the other side, whatever namespace this process is in. @see D-Bus specification, "EXTERNAL" */
function authenticate(fd: number): void {
  writeFd(fd, Buffer.from('\0AUTH EXTERNAL\r\nDATA\r\n'))
  let answer = ''
  while (!/^(?:DATA\r\n)?(?:OK|REJECTED|ERROR).*\r\n$/.test(answer)) answer += readSome(fd).toString('latin1')
  if (!/^(?:DATA\r\n)?OK /.test(answer)) throw new Error(`it does not accept this user: ${answer.trim()}`)
  writeFd(fd, Buffer.from('BEGIN\r\n'))
}

function awaitReply(fd: number, serial: number): DbusMessage {
  let pending: Buffer = Buffer.alloc(0)
  for (;;) {
    const message = decodeMessage(pending)
    if (message === undefined) {
      pending = Buffer.concat([pending, readSome(fd)])
      continue
    }
    if (message.replySerial === serial) return message
    pending = pending.subarray(message.length)
  }
}

function readSome(fd: number): Buffer {
  if (!pollReadable(fd, REPLY_MS)) throw new Error('no answer')
  const buffer = Buffer.alloc(4096)
  const length = readFd(fd, buffer)
  if (length === 0) throw new Error('it closed the connection')
  return buffer.subarray(0, length)
}
