import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DIRECTORIES = ['bin', 'etc', 'home/ana', 'proc', 'root', 'srv', 'sys', 'tmp', 'usr/bin', 'var/tmp']
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\nana:x:1000:1000:Ana:/home/ana:/bin/sh\n',
  'etc/group': 'root:x:0:\ndaemon:x:1:\nana:x:1000:\naudio:x:29:ana\nvideo:x:44:\n',
  'etc/greeting': 'hello from the image\n',
  'srv/index.html': 'served from inside\n',
  'bin/not-executable': '#!/bin/sh\necho never\n',
}

/** A root of one static program under all its names: this host's own busybox. */
export function makeBusyboxRoot(directory: string): void {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))
  if (busybox === undefined) throw new Error('there is no busybox: run scripts/setup --dev')
  for (const path of DIRECTORIES) mkdirSync(join(directory, path), { recursive: true, mode: 0o755 })
  copyFileSync(busybox, join(directory, 'bin/busybox'))
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const applet of applets) {
    if (applet !== 'busybox') symlinkSync('busybox', join(directory, 'bin', applet))
  }
  for (const [path, text] of Object.entries(FILES))
    writeFileSync(join(directory, path), text, { mode: 0o644 })
  for (const path of ['tmp', 'var/tmp']) chmodSync(join(directory, path), 0o1777)
}

/** Packs a root as an archive whose files are all root's. */
export function packRoot(directory: string, archive: string): void {
  execFileSync('tar', ['-C', directory, '--owner=0', '--group=0', '--numeric-owner', '-cf', archive, '.'])
}
