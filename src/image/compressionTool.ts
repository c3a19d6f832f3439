import { readSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import { findProgram } from '../base/findProgram.ts'
import { SIGKILL } from '../base/signals.ts'
import { type OwnedFd, ownFd, pipe } from '../syscall/fd.ts'
import { exitCodeOfStatus, killIfAlive, spawnProgram, waitForExit } from '../syscall/process.ts'
import { MAGIC_SIZE } from './compression.ts'
import { readChunks, writeAll } from './fdStream.ts'

/** What no runtime decompresses itself, with the program that does. */
const TOOLS = [
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
] as const

type ToolName = (typeof TOOLS)[number]['name']

/** The program that the data needs, by its first bytes; undefined where it needs none. */
export function toolFor(head: Uint8Array): ToolName | undefined {
  return TOOLS.find(({ magic }) => magic.every((byte, index) => head[index] === byte))?.name
}

/**
 * Data as it comes; where it is compressed with xz or bzip2, what the program of that name makes of it. What is read is never
 * more than the program asks for, so that nothing piles up.
 * @throws BryoError TOOL_MISSING, INVALID_ARCHIVE for damaged data
 */
export async function* throughTool(
  input: string | number | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const source = readChunks(input)
  try {
    const first: Uint8Array[] = []
    for (let size = 0; size < MAGIC_SIZE; ) {
      const item = await source.next()
      if (item.done) break
      first.push(item.value)
      size += item.value.byteLength
    }
    const chunks = joined(first, source)
    const tool = toolFor(Buffer.concat(first).subarray(0, MAGIC_SIZE))
    yield* tool === undefined ? chunks : decompressBy(tool, chunks)
  } finally {
    await source.return?.()
  }
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first
  for (let item = await rest.next(); !item.done; item = await rest.next()) yield item.value
}

async function* decompressBy(name: ToolName, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const tool = startTool(name)
  const feeding = feed(tool.input, chunks)
  let ended = false
  try {
    const output = readChunks(tool.output.fd)
    for (let item = await output.next(); !item.done; item = await output.next()) yield item.value
    ended = true
  } finally {
    if (!ended) await abandon(tool, feeding)
  }
  await finish(name, tool, feeding)
}

/** Nobody wants the rest. */
async function abandon(tool: Tool, feeding: Promise<unknown>): Promise<void> {
  killIfAlive(tool.pid, SIGKILL)
  tool.output.close()
  await feeding
  tool.errors.close()
  waitForExit(tool.pid)
}

/** @throws the source's failure, or BryoError INVALID_ARCHIVE where the program has failed */
async function finish(name: ToolName, tool: Tool, feeding: Promise<unknown>): Promise<void> {
  tool.output.close()
  const failure = await feeding
  const message = readMessage(tool.errors)
  const code = exitCodeOfStatus(waitForExit(tool.pid))
  if (failure !== undefined) throw failure
  if (code !== 0) throw damaged(name, message || `${name} ended with ${code}`)
}

interface Tool {
  readonly pid: number
  readonly input: OwnedFd
  readonly output: OwnedFd
  readonly errors: OwnedFd
}

function startTool(name: ToolName): Tool {
  const path = findProgram(name, '/bin:/usr/local/bin')
  if (path === undefined) {
    throw new BryoError('TOOL_MISSING', `cannot decompress ${name} data: ${name} is not installed`, {
      hint: `install it (as root: apt install ${name === 'xz' ? 'xz-utils' : name}), or decompress the file elsewhere`,
    })
  }
  const [inRead, inWrite] = pipe()
  const [outRead, outWrite] = pipe()
  const [errRead, errWrite] = pipe()
  using childIn = ownFd(inRead)
  using childOut = ownFd(outWrite)
  using childErr = ownFd(errWrite)
  const [input, output, errors] = [ownFd(inWrite), ownFd(outRead), ownFd(errRead)]
  try {
    const fds = [childIn, childOut, childErr].map(({ fd }, index) => [index, fd] as const)
    return { pid: spawnProgram({ path, argv: [name, '-dc'], env: ['LC_ALL=C'], fds }), input, output, errors }
  } catch (error) {
    for (const owner of [input, output, errors]) owner.close()
    throw error
  }
}

/** Gives the source's failure; that the program wants no more is none. */
async function feed(input: OwnedFd, chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  try {
    for await (const chunk of chunks) await writeAll(input.fd, chunk)
    return undefined
  } catch (error) {
    return isErrno(error, 'EPIPE') ? undefined : error
  } finally {
    input.close()
  }
}

const MAX_MESSAGE = 4096

/** The program has ended, or is about to: it says little. */
function readMessage(errors: OwnedFd): string {
  const buffer = Buffer.alloc(MAX_MESSAGE)
  const count = readSync(errors.fd, buffer)
  errors.close()
  return buffer.toString('utf8', 0, count).trim()
}

function damaged(name: string, found: string): BryoError {
  return new BryoError('INVALID_ARCHIVE', `cannot decompress ${name} data: ${found.slice(0, 500)}`)
}
