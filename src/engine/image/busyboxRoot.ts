import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import type { TarHeader } from '../../base/tarEntry.ts'
import { createTarWriter } from '../../image/tar/write.ts'

const PROGRAMS = ['/bin/busybox', '/usr/bin/busybox', '/usr/local/bin/busybox']

/**
 * A root directory of the host's busybox, with a link for each of its programs, as a tar. The same busybox gives the same bytes.
 * @param epoch seconds since 1970: the time of all files
 * @throws BryoError TOOL_MISSING where there is no busybox, or one that needs libraries
 */
export function makeBusyboxTar(epoch: number): Buffer {
  const { path, program } = findBusybox()
  const applets = execFileSync(path, ['--list'], { encoding: 'utf8', env: {} })
    .split('\n')
    .filter((name) => /^[[a-z0-9._-]+$/i.test(name) && name !== 'busybox')
  const parts: Buffer[] = []
  const tar = createTarWriter((data) => parts.push(Buffer.from(data)))
  const add = (name: string, type: TarHeader['type'], rest: Partial<TarHeader> = {}) =>
    tar.add({
      ...EMPTY,
      mtime: { seconds: BigInt(epoch), nanoseconds: 0n },
      name: Buffer.from(name),
      type,
      ...rest,
    })
  const file = (name: string, content: Buffer, mode: number) => {
    add(name, 'file', { mode, size: content.byteLength })
    tar.content(content)
  }
  for (const name of ['bin', 'etc', 'usr', 'usr/bin', 'var', 'var/tmp']) add(`${name}/`, 'directory')
  for (const name of ['tmp/', 'var/tmp/']) add(name, 'directory', { mode: 0o1777 })
  add('root/', 'directory', { mode: 0o700 })
  file('bin/busybox', program, 0o755)
  for (const name of [...new Set(applets)].sort()) {
    add(`bin/${name}`, 'hardlink', { mode: 0o755, linkName: Buffer.from('bin/busybox') })
  }
  add('usr/bin/env', 'hardlink', { mode: 0o755, linkName: Buffer.from('bin/busybox') })
  for (const [name, text] of Object.entries(FILES)) file(name, Buffer.from(text), 0o644)
  tar.finish()
  return Buffer.concat(parts)
}

const FILES = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
  'etc/shadow': 'root:*:::::::\nnobody:*:::::::\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

const EMPTY: Omit<TarHeader, 'name' | 'type' | 'mtime'> = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  linkName: Buffer.alloc(0),
  devMajor: 0,
  devMinor: 0,
  xattrs: new Map(),
}

function findBusybox(): { readonly path: string; readonly program: Buffer } {
  const found = PROGRAMS.flatMap((path) => {
    const program = unlessErrno(() => readFileSync(path), 'ENOENT', 'EACCES')
    return program === undefined ? [] : [{ path, program }]
  })
  const usable = found.find(({ program }) => isStatic(program))
  if (usable) return usable
  const problem = found[0] ? `"${found[0].path}" needs libraries` : 'there is no busybox on this host'
  throw new BryoError('TOOL_MISSING', `cannot bootstrap busybox: ${problem}, expected a static one`, {
    hint: 'install the package busybox-static',
  })
}

const PT_INTERP = 3

/** Whether a 64-bit little-endian program asks for no loader. @see elf(5) */
function isStatic(program: Buffer): boolean {
  if (program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2) return false
  const [start, size, count] = [
    Number(program.readBigUInt64LE(32)),
    program.readUInt16LE(54),
    program.readUInt16LE(56),
  ]
  return Array.from({ length: count }, (_, index) => program.readUInt32LE(start + index * size)).every(
    (type) => type !== PT_INTERP,
  )
}
