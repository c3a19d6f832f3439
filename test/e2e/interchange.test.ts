import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TarHeader } from '../../src/base/tarEntry.ts'
import { createTarWriter } from '../../src/image/tar/write.ts'
import { startRegistry } from './support/registry.ts'
import { BRYO, give, openWorld } from './support/world.ts'

const TOOLS = ['/usr/bin/buildah', '/usr/bin/skopeo', '/usr/bin/umoci', '/usr/bin/python3']
const unused = !TOOLS.every(existsSync)
const world = await openWorld({ image: false, unused })
const { bryo } = world
const NAME = 'localhost/rich:1'
const at = (name: string) => `${world.work}/${name}`

const header = (name: string, given: Partial<TarHeader> = {}): TarHeader => ({
  name: Buffer.from(name),
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 1_600_000_000n, nanoseconds: 0n },
  linkName: Buffer.alloc(0),
  devMajor: 0,
  devMinor: 0,
  xattrs: new Map(),
  ...given,
})

function tarOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = []
  const tar = createTarWriter((data) => parts.push(Buffer.from(data)))
  for (const [name, data] of Object.entries(files)) {
    tar.add(header(name, { size: data.length }))
    tar.content(data)
  }
  tar.finish()
  return Buffer.concat(parts)
}

const RECORD = 10_240

/** Everything that a tree can hold that an unprivileged user can unpack; devices are left out by all of them. */
function richLayer({ sparse }: { readonly sparse: boolean }): Buffer {
  const parts: Buffer[] = []
  const tar = createTarWriter((data) => parts.push(Buffer.from(data)))
  const file = (name: string, text: string, given: Partial<TarHeader> = {}) => {
    tar.add(header(name, { size: Buffer.byteLength(text), ...given }))
    tar.content(Buffer.from(text))
  }
  const time = { seconds: 1_234_567_890n, nanoseconds: 123_456_789n }
  tar.add(header('dir/', { type: 'directory', mode: 0o1777, mtime: time }))
  tar.add(header('closed/', { type: 'directory', mode: 0o700, uid: 1000, gid: 1001 }))
  file('closed/secret', 'x', { mode: 0o600, uid: 33, gid: 4 })
  file('dir/setuid', 'program', { mode: 0o4755, mtime: time })
  file('dir/setgid', 'program', { mode: 0o2755, gid: 50 })
  file('dir/high', 'of a high id', { uid: 60_000, gid: 60_001 })
  file('dir/xattr', 'marked', { xattrs: new Map([['user.mark', Buffer.from([0, 255, 10])]]) })
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
  file('dir/capable', 'ping', { mode: 0o755, xattrs: new Map([['security.capability', capability]]) })
  tar.add(
    header('dir/hard', { type: 'hardlink', linkName: Buffer.from('dir/setgid'), mode: 0o2755, gid: 50 }),
  )
  tar.add(
    header('dir/soft', {
      type: 'symlink',
      linkName: Buffer.from('/dir/setuid'),
      mode: 0o777,
      uid: 7,
      gid: 8,
    }),
  )
  tar.add(header('dir/pipe', { type: 'fifo', mode: 0o640 }))
  tar.add(header('dir/device', { type: 'character', mode: 0o666, devMajor: 1, devMinor: 3 }))
  file(`dir/${'long-'.repeat(45)}`, 'a name of 225 bytes')
  file('dir/\u00fc \u4e2d\n', 'a name of other characters')
  file('big', 'z'.repeat(300_000))
  if (sparse) {
    tar.addSparse(header('dir/sparse', { size: 8_000_000 }), [{ offset: 4_000_000, length: 5 }])
    tar.content(Buffer.from('there'))
  }
  tar.finish()
  const bytes = Buffer.concat(parts)
  // To a whole record, as tar itself writes it.
  return Buffer.concat([bytes, Buffer.alloc(RECORD - (bytes.length % RECORD))])
}

/** A docker archive whose layer has a member of gzip for each piece of the tar, and at its end an empty one that says where the index is. */
function memberArchive(layer: Buffer): Buffer {
  const pieces = Array.from({ length: Math.ceil(layer.length / 5120) }, (_, index) =>
    gzipSync(layer.subarray(index * 5120, (index + 1) * 5120)),
  )
  const position = Buffer.from('000000000000ffffSTARGZ')
  const footer = Buffer.concat([
    Buffer.from([
      0x1f,
      0x8b,
      8,
      4,
      0,
      0,
      0,
      0,
      0,
      255,
      position.length + 4,
      0,
      0x53,
      0x47,
      position.length,
      0,
    ]),
    position,
    Buffer.from([1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]),
  ])
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      rootfs: {
        type: 'layers',
        diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`],
      },
    }),
  )
  const manifest = [{ Config: 'config.json', RepoTags: ['localhost/members:1'], Layers: ['layer.tar.gz'] }]
  return tarOf({
    'config.json': config,
    'layer.tar.gz': Buffer.concat([...pieces, footer]),
    'manifest.json': Buffer.from(JSON.stringify(manifest)),
  })
}

/** A line for all that is in a directory, as its owner in a user namespace sees it. */
const LISTER = `
import os, stat, sys, hashlib
root = sys.argv[1].encode()
seen = {}
for top, dirs, files in os.walk(root):
    for name in sorted(dirs + files):
        path = os.path.join(top, name)
        s = os.lstat(path)
        kind = stat.S_IFMT(s.st_mode)
        text = hashlib.sha256(open(path, 'rb').read()).hexdigest()[:8] if kind == stat.S_IFREG else ''
        link = os.readlink(path) if kind == stat.S_IFLNK else b''
        first = seen.setdefault((s.st_dev, s.st_ino), os.path.relpath(path, root)) if s.st_nlink > 1 and kind == stat.S_IFREG else b''
        marks = {} if kind == stat.S_IFLNK else {n: os.getxattr(path, n).hex()[:40] for n in os.listxattr(path) if n.startswith(('user.mark', 'security.cap'))}
        size = s.st_size if kind == stat.S_IFREG else 0
        sparse = kind == stat.S_IFREG and s.st_blocks * 512 < s.st_size / 2
        print(ascii((os.path.relpath(path, root), oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns, size, text, link, first, sorted(marks.items()), sparse)))
`

async function sh(script: string, ...args: readonly string[]): Promise<string> {
  const ended = await world.command(['sh', '-ec', script, '-', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout
}

const sorted = (text: string) => text.trimEnd().split('\n').sort()

/** What bryo has unpacked of an image. */
async function treeHere(name: string): Promise<readonly string[]> {
  const script = `"$1" unshare sh -ec 'p=$("$0" image mount "$1"); python3 "$2" "$p"; "$0" image unmount "$1" >&2' "$1" "$2" "$3"`
  return sorted(await sh(script, BRYO, name, at('lister.py')))
}

const BUILDAH = 'buildah --storage-driver vfs'

/** What buildah has unpacked of an image in an archive or directory. */
async function treeThere(source: string): Promise<readonly string[]> {
  const script = `c=$(${BUILDAH} from -q "$1"); ${BUILDAH} unshare sh -ec 'p=$(${BUILDAH} mount "$0"); python3 "$1" "$p"' "$c" "$2"; ${BUILDAH} rm "$c" >&2`
  return sorted(await sh(script, source, at('lister.py')))
}

/** Whether holes are on the disk is left to who unpacks. */
const withoutHoles = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/, (?:True|False)\)$/, ')'))

const digestHere = async (name: string) =>
  (await bryo(['inspect', '--format', '{{.Digest}} {{.Id}}', name])).stdout.trim()

describe.skipIf(unused)(
  'images of and for other tools (skipped without buildah, skopeo, umoci and python3)',
  () => {
    let here: readonly string[] = []
    beforeAll(async () => {
      writeFileSync(at('rich.tar'), richLayer({ sparse: true }))
      writeFileSync(at('lister.py'), LISTER)
      give(world.work)
      expect(await bryo(['import', at('rich.tar'), NAME])).toMatchObject({ code: 0 })
      for (const format of ['oci-archive', 'docker-archive', 'oci-dir', 'docker-dir']) {
        expect(await bryo(['save', '--format', format, '-o', at(format), NAME])).toMatchObject({ code: 0 })
      }
      here = await treeHere(NAME)
      expect(here.length).toBe(15)
      expect(here.find((line) => line.includes('sparse'))).toMatch(/True\)$/)
    })

    it.each([
      `oci-archive:${at('oci-archive')}:${NAME}`,
      `docker-archive:${at('docker-archive')}:${NAME}`,
      `oci:oci-dir:${NAME}`,
      `dir:${at('docker-dir')}`,
    ])('buildah unpacks the same tree from %s', async (source) => {
      expect(withoutHoles(await treeThere(source))).toEqual(withoutHoles(here))
    })

    it('umoci unpacks the same tree, as far as one id shows it', async () => {
      await sh(`umoci unpack --rootless --image "$1:${NAME}" "$2"`, at('oci-dir'), at('bundle'))
      const there = sorted(await sh('python3 "$1" "$2/rootfs"', at('lister.py'), at('bundle')))
      const shown = (lines: readonly string[]) =>
        lines
          .filter((line) => !/dev|setuid|setgid|hard|capable|soft/.test(line))
          .map((line) =>
            line
              .split(',')
              .filter((_, i) => i !== 2 && i !== 3 && i < 7)
              .join(),
          )
      expect(shown(there)).toEqual(shown(here))
    })

    it('takes what skopeo, buildah and umoci write, with their digests and the same tree', async () => {
      const from = `oci-archive:${at('oci-archive')}:${NAME}`
      const copies = {
        gzip: `skopeo copy -q --dest-compress "$1" "oci-archive:$2:localhost/gzip:1"`,
        zstd: `skopeo copy -q --dest-compress --dest-compress-format zstd "$1" "oci-archive:$2:localhost/zstd:1"`,
        docker: `skopeo copy -q "$1" "docker-archive:$2:localhost/docker:1"`,
        v2s2: `skopeo copy -q --format v2s2 "$1" "dir:$2"`,
      }
      for (const [name, script] of Object.entries(copies)) {
        await sh(script, from, at(name))
        // What is unpacked already is not unpacked again.
        await bryo(['rmi', '--all', '--force'])
        const loaded = await bryo(['load', '-i', at(name)])
        expect(loaded, loaded.stderr).toMatchObject({ code: 0 })
        const image = loaded.stdout.trim().replace('Loaded image: ', '')
        if (name !== 'docker') {
          const source = name === 'v2s2' ? `dir:${at(name)}` : `oci-archive:${at(name)}`
          const digest = (await sh('skopeo inspect --format "{{.Digest}}" "$1"', source)).trim()
          expect(await digestHere(image), name).toContain(digest)
        }
        // Tools that read a layer once more write holes as zeros.
        expect(withoutHoles(await treeHere(image)), name).toEqual(withoutHoles(here))
      }
      await sh(`umoci config --image "$1:${NAME}" --tag changed --config.label by=umoci`, at('oci-dir'))
      const loaded = await bryo(['load', '-i', at('oci-dir')])
      expect(loaded.stdout).toContain('Loaded image: localhost/changed:latest')
      expect(await treeHere('localhost/changed')).toEqual(here)
    })

    it('takes layers that were made to be read in parts, of zstd:chunked and of many members of gzip', async () => {
      // This skopeo spoils sparse files in zstd:chunked, so that nobody can read them.
      const layer = richLayer({ sparse: false })
      writeFileSync(at('plain.tar'), layer)
      writeFileSync(at('members'), memberArchive(layer))
      for (const name of ['plain.tar', 'members']) give(at(name))
      await bryo(['import', at('plain.tar'), 'localhost/plain:1'])
      const expected = await treeHere('localhost/plain:1')
      expect(expected.length).toBe(here.length - 1)
      await bryo(['save', '--format', 'oci-archive', '-o', at('plain'), 'localhost/plain:1'])
      const chunk = `skopeo copy -q --dest-compress --dest-compress-format zstd:chunked "$1" "dir:$2"`
      await sh(chunk, `oci-archive:${at('plain')}:localhost/plain:1`, at('chunked'))
      expect(readFileSync(at('chunked/manifest.json'), 'utf8')).toContain('zstd-chunked.manifest-position')
      for (const name of ['chunked', 'members']) {
        await bryo(['rmi', '--all', '--force'])
        const loaded = await bryo(['load', '-i', at(name)])
        expect(loaded, loaded.stderr).toMatchObject({ code: 0 })
        expect(await treeHere(loaded.stdout.trim().replace(/.*: /, '')), name).toEqual(expected)
      }
      const registry = await startRegistry(world)
      if (registry) {
        const name = `${registry.host}/chunked:1`
        await sh(`skopeo copy -q --dest-tls-verify=false "dir:$1" "docker://$2"`, at('chunked'), name)
        await bryo(['rmi', '--all', '--force'])
        const pulled = await bryo(['pull', '-q', '--tls-verify=false', name])
        await registry.close()
        expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
        expect(await treeHere(name)).toEqual(expected)
      }
      expect(await bryo(['import', at('rich.tar'), NAME])).toMatchObject({ code: 0 })
    })

    it('takes what buildah commits', async () => {
      await bryo(['import', world.archive, 'localhost/base:1'])
      await bryo(['save', '-o', at('base'), 'localhost/base:1'])
      const commit = `c=$(${BUILDAH} from -q "$1"); ${BUILDAH} config --label by=buildah "$c"
      ${BUILDAH} copy -q --chown 5:6 "$c" "$3" /added; ${BUILDAH} commit -q --rm "$c" "oci-archive:$2:localhost/built:1"`
      await sh(commit, `docker-archive:${at('base')}:localhost/base:1`, at('built'), at('lister.py'))
      expect(await bryo(['load', '-i', at('built')])).toMatchObject({
        stdout: 'Loaded image: localhost/built:1\n',
      })
      const [built, base] = [await treeHere('localhost/built:1'), await treeHere('localhost/base:1')]
      const added = built.filter((line) => line.startsWith("(b'added'"))
      expect(added).toEqual([expect.stringContaining(', 5, 6, ')])
      expect(built.filter((line) => !added.includes(line))).toEqual(base)
      expect(withoutHoles(await treeThere(`oci-archive:${at('built')}`))).toEqual(withoutHoles(built))
    })

    it('a container that is exported and imported has the same tree', async () => {
      const script = `c=$("$1" create "$2" true); "$1" export "$c" | "$1" import - localhost/exported:1 >&2; "$1" rm "$c" >&2`
      await sh(script, BRYO, NAME)
      expect(await treeHere('localhost/exported:1')).toEqual(here)
    })
  },
)
