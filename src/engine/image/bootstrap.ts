import { existsSync, statSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { BryoError } from '../../base/errors.ts'
import { findProgram } from '../../base/findProgram.ts'
import { localReference } from '../../image/reference.ts'
import { ownFd, pipe } from '../../syscall/fd.ts'
import { exitCodeOfStatus, spawnProgram, waitForExit } from '../../syscall/process.ts'
import type { Engine } from '../engine.ts'
import { readAptSources } from './aptSources.ts'
import { type Distribution, debstrapArguments, parseDistribution, planSources } from './bootstrapPlan.ts'
import { makeBusyboxTar } from './busyboxRoot.ts'
import { noteImage } from './event.ts'
import { type ImportedImage, importImage } from './import.ts'
import { createSpool } from './spool.ts'

export interface BootstrapRequest {
  /** `debian:bookworm`, `ubuntu:noble`, `busybox`, or the path of a tar archive of a root directory. */
  readonly what: string
  /** A short one belongs to `localhost/`; made of `what` by default. */
  readonly name: string | undefined
  readonly mirror: string | undefined
  readonly keyring: string | undefined
  readonly include: readonly string[]
  readonly variant: string
  readonly changes: readonly string[]
  readonly quiet: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * `image bootstrap`: makes a base image without any registry: by mmdebstrap(1) from the mirror that the user or the host's apt names,
 * of the host's busybox, or of an archive.
 * @throws BryoError USAGE, TOOL_MISSING, NOT_FOUND, RUNTIME where mmdebstrap fails; then nothing is left
 */
export async function bootstrapImage(engine: Engine, request: BootstrapRequest): Promise<ImportedImage> {
  const distribution = parseDistribution(request.what)
  const image = distribution
    ? await fromMirror(engine, request, distribution)
    : request.what === 'busybox'
      ? await fromBusybox(engine, request)
      : await fromArchive(engine, request)
  noteImage(engine.store, 'bootstrap', { id: image.id, name: image.name })
  return image
}

const SHELL = 'CMD ["bash"]'
const DAY = 86_400

/**
 * The time that files and image get, seconds since 1970: SOURCE_DATE_EPOCH, else the beginning of the day, so that the same packages
 * give the same image all day.
 * @see https://reproducible-builds.org/specs/source-date-epoch/
 */
function epochOf({ facts }: Engine, now: number): number {
  const given = facts.env.SOURCE_DATE_EPOCH
  if (given !== undefined && /^\d{1,11}$/.test(given)) return Number(given)
  const seconds = Math.floor(now / 1000)
  return seconds - (seconds % DAY)
}

const timeOf = (epoch: number) => new Date(epoch * 1000).toISOString()

async function fromMirror(
  engine: Engine,
  request: BootstrapRequest,
  distribution: Distribution,
): Promise<ImportedImage> {
  const { mirror, keyring, what, name, changes } = request
  const program = requireProgram(engine, 'mmdebstrap')
  const hasSubordinateIds = engine.defaultIds().maps.uid.length > 1
  if (!hasSubordinateIds) requireProgram(engine, 'fakechroot')
  const sources = planSources(distribution, {
    mirror,
    keyring,
    sources: readAptSources(),
    exists: existsSync,
  })
  const argv = debstrapArguments(distribution, sources, { ...request, hasSubordinateIds })
  const epoch = epochOf(engine, request.now)
  const env = { ...engine.facts.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: 'C.UTF-8' }
  const [readEnd, writeEnd] = pipe()
  using input = ownFd(readEnd)
  using output = ownFd(writeEnd)
  const pid = spawnProgram({
    path: program,
    argv,
    env: Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`])),
    fds: [
      [1, output.fd],
      [2, 2],
    ],
  })
  output.close()
  let ended = false
  const finish = () => {
    if (ended) return
    ended = true
    // One that still writes ends when nobody reads.
    input.close()
    const code = exitCodeOfStatus(waitForExit(pid))
    if (code !== 0)
      throw new BryoError('RUNTIME', `cannot bootstrap "${what}": mmdebstrap ended with ${code}`)
  }
  return await importImage(engine, {
    source: { fd: input.fd, label: `${distribution.name} ${distribution.suite} by mmdebstrap`, finish },
    reference: name ?? what,
    changes: [SHELL, ...changes],
    created: timeOf(epoch),
  })
}

/** @throws BryoError TOOL_MISSING */
function requireProgram({ facts }: Engine, name: string): string {
  const found = findProgram(name, `/usr/local/bin:${facts.env.PATH ?? ''}`)
  if (found !== undefined) return found
  throw new BryoError('TOOL_MISSING', `cannot bootstrap a distribution: ${name} is not installed`, {
    hint: `as root: apt install ${name}; or unpack a root elsewhere and name its tar archive`,
  })
}

async function fromBusybox(engine: Engine, { name, changes, now }: BootstrapRequest): Promise<ImportedImage> {
  const epoch = epochOf(engine, now)
  const tar = makeBusyboxTar(epoch)
  using spool = createSpool(engine.store)
  writeSync(spool.fd, tar, 0, tar.byteLength, 0)
  return await importImage(engine, {
    source: { fd: spool.fd, label: "the host's busybox", finish: () => {} },
    reference: name ?? 'busybox',
    changes: ['CMD ["sh"]', 'ENV PATH=/bin:/usr/bin', ...changes],
    created: timeOf(epoch),
  })
}

async function fromArchive(engine: Engine, request: BootstrapRequest): Promise<ImportedImage> {
  const { what, name, changes, now } = request
  if (!statSync(what, { throwIfNoEntry: false })?.isFile()) {
    throw new BryoError(
      'NOT_FOUND',
      `cannot bootstrap "${what}": it is no file, expected debian:SUITE, ubuntu:SUITE, busybox or a tar archive`,
    )
  }
  return await importImage(engine, {
    source: what,
    reference: name ?? nameOfFile(what),
    changes,
    created: timeOf(epochOf(engine, now)),
  })
}

/** `dir/My_Root.tar.xz` is my_root. @throws BryoError USAGE where that is no name */
function nameOfFile(path: string): string {
  const name = basename(path)
    .replace(/\.(?:tar|t(?:gz|xz|zst|bz2))(?:\.\w+)?$/, '')
    .toLowerCase()
  try {
    localReference(name)
    return name
  } catch (cause) {
    throw new BryoError('USAGE', `cannot name the image after "${path}", expected a NAME behind it`, {
      cause,
    })
  }
}
