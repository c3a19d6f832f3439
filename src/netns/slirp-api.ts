import { closeSync, openSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { BryoError, isErrno } from '../base/errors.ts'
import type { PortMapping } from '../base/port.ts'
import { pollReadable, readFd, writeFd } from '../syscall/fd.ts'
import { O } from '../syscall/file.ts'
import { connectUnixSocket, shutdownWrite } from '../syscall/socket.ts'
import { portInUse } from './ports.ts'
import { formatMapping } from './publish.ts'

/** A socket named through an open directory, because a path of a socket may have no more than 107 bytes. */
export interface ApiSocket {
  readonly directory: number
  readonly name: string
}

/** The caller closes `directory`. */
export function openApiSocket(path: string, options: { readonly remove: boolean }): ApiSocket {
  const directory = openSync(dirname(path), O.path | O.directory | O.cloexec)
  const name = basename(path)
  if (options.remove) removeIfPresent(`/proc/self/fd/${directory}/${name}`)
  return { directory, name }
}

function removeIfPresent(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

const ANSWER_TIMEOUT_MS = 5000

/**
 * Publishes the mappings through the control socket of a slirp4netns that is ready. The container sees the client's own address, or the
 * gateway's where the client is on the host's loopback.
 * @throws BryoError PORT_IN_USE naming the holder, NETWORK
 */
export function addHostForwards(apiSocketPath: string, mappings: readonly PortMapping[]): void {
  const { directory, name } = openApiSocket(apiSocketPath, { remove: false })
  try {
    for (const mapping of mappings) addHostForward(`/proc/self/fd/${directory}/${name}`, mapping)
  } finally {
    closeSync(directory)
  }
}

function addHostForward(socketPath: string, mapping: PortMapping): void {
  const answer = ask(socketPath, {
    execute: 'add_hostfwd',
    arguments: {
      proto: mapping.protocol,
      host_addr: mapping.hostIp === '' ? '0.0.0.0' : mapping.hostIp,
      host_port: mapping.hostPort,
      guest_port: mapping.containerPort,
    },
  })
  const failure = failureOf(answer)
  if (failure === undefined) return
  // It does not say why it cannot bind; the port was free when it was chosen.
  if (failure.includes('slirp_add_hostfwd failed')) throw portInUse(mapping)
  throw new BryoError(
    'NETWORK',
    `cannot publish port "${formatMapping(mapping)}": slirp4netns says ${failure}`,
  )
}

/** One connection for each request; the end of our side ends the request. @see slirp4netns(1) API SOCKET */
function ask(socketPath: string, request: unknown): string {
  const fd = connectUnixSocket(socketPath)
  try {
    writeFd(fd, Buffer.from(JSON.stringify(request)))
    shutdownWrite(fd)
    const chunks: Buffer[] = []
    for (;;) {
      const buffer = Buffer.alloc(4096)
      if (!pollReadable(fd, ANSWER_TIMEOUT_MS)) throw new BryoError('NETWORK', 'slirp4netns does not answer')
      const length = readFd(fd, buffer)
      if (length === 0) return Buffer.concat(chunks).toString()
      chunks.push(buffer.subarray(0, length))
    }
  } finally {
    closeSync(fd)
  }
}

/** Undefined for an answer with `return`. */
export function failureOf(answer: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(answer)
  } catch {
    return `"${answer.slice(0, 100)}"`
  }
  if (typeof value === 'object' && value !== null && 'return' in value) return undefined
  return JSON.stringify(value)
}
