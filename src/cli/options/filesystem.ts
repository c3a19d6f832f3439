import { choice, commaList, commaMany, list, many, text, toggle, triState, value } from '../flags/kinds.ts'
import { parseDevice } from '../parse/device.ts'
import { parseSecretUse } from '../parse/secret.ts'
import { parseSize } from '../parse/size.ts'
import { parseTmpfs } from '../parse/volume.ts'
import { CREDS, RETRY_FLAGS, SIGNATURE_POLICY } from './transfer.ts'

/** Where the root comes from, and what is mounted in it. */
export const FILESYSTEM_FLAGS = {
  chrootdirs: commaList({ help: 'Show /etc/hosts and the like below this directory of the container too' }),
  device: commaMany({
    placeholder: 'host[:container[:rwm]]',
    help: 'Show a device of this host inside',
    parse: parseDevice,
    completion: { kind: 'files' },
  }),
  'image-volume': choice(['anonymous', 'bind', 'ignore', 'tmpfs'], {
    help: 'What the volumes that the image declares become: anonymous volumes (or bind), tmpfs, ignore',
    defaultText: '"anonymous"',
  }),
  mount: list({ help: 'Mount a directory, volume, tmpfs or image: type=TYPE,src=SOURCE,dst=PATH' }),
  'read-only': toggle({ help: "Make the container's root read-only" }),
  'read-only-tmpfs': toggle({
    initial: true,
    help: 'With --read-only, mount a tmpfs on /run, /tmp and /var/tmp',
  }),
  rootfs: toggle({ help: 'Run from a directory instead of an image: DIR, or DIR:O to leave it unchanged' }),
  secret: many({
    placeholder: 'name[,opt=value]',
    help: 'Show a secret as a file in /run/secrets, or as a variable: type=env,target=NAME',
    parse: parseSecretUse,
    completion: { kind: 'names', of: ['secrets'] },
  }),
  'shm-size': value({
    placeholder: 'number[unit]',
    help: 'Size of /dev/shm',
    defaultText: '"64m"',
    parse: parseSize,
  }),
  'shm-size-systemd': value({
    placeholder: 'number[unit]',
    help: 'Size of each tmpfs that --systemd mounts',
    parse: parseSize,
  }),
  tmpfs: many({ placeholder: 'path[:options]', help: 'Mount a tmpfs', parse: parseTmpfs }),
  volume: list({
    short: 'v',
    placeholder: '[source:]path[:options]',
    help: 'Mount a directory of this host or a volume',
    completion: { kind: 'files' },
  }),
  'volumes-from': list({
    help: 'Mount the volumes and directories of this container too: CONTAINER[:ro|rw]',
  }),
}

/** Which image is taken. */
export const PULL_FLAGS = {
  authfile: text({ help: 'Registry logins to use', completion: { kind: 'files' } }),
  'cert-dir': text({ help: 'Certificates to use for the registry', completion: { kind: 'directories' } }),
  ...CREDS,
  arch: text({ placeholder: 'ARCH', help: 'Take the image for this architecture' }),
  os: text({ placeholder: 'OS', help: 'Take the image for this operating system' }),
  platform: text({ help: 'Take the image for OS/ARCH[/VARIANT]' }),
  pull: choice(['always', 'missing', 'never', 'newer'], {
    help: 'When to pull the image',
    defaultText: '"missing"',
  }),
  quiet: toggle({ short: 'q', help: 'Show nothing while pulling' }),
  ...RETRY_FLAGS,
  'signature-policy': SIGNATURE_POLICY,
  'tls-verify': triState({ help: 'Insist on HTTPS and a valid certificate' }),
  variant: text({ placeholder: 'VARIANT', help: 'Take the image for this variant of the architecture' }),
}
