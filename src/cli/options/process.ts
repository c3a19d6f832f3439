import { NOTIFY_MODES } from '../../base/notify.ts'
import {
  choice,
  choiceOr,
  commaList,
  commaMany,
  count,
  list,
  many,
  text,
  toggle,
  triState,
  value,
} from '../flags/kinds.ts'
import { parseEntrypoint } from '../parse/entrypoint.ts'
import { parseKeyValue, parseLabel } from '../parse/keyValue.ts'
import { parseRestartPolicy } from '../parse/restartPolicy.ts'
import { parseSignal } from '../parse/signal.ts'
import { parseUlimit } from '../parse/ulimit.ts'
import { parseUmask } from '../parse/umask.ts'

const FILES = { kind: 'files' } as const

/** The container's first process: what it is, and as whom and with what it runs. */
export const PROCESS_FLAGS = {
  entrypoint: value({
    help: "Run this instead of the image's entrypoint (a program or a JSON list; empty for none)",
    parse: parseEntrypoint,
  }),
  env: list({ short: 'e', help: 'Set an environment variable: NAME=value, or NAME or NAME* of yours' }),
  'env-file': commaList({ help: 'Read environment variables from a file', completion: FILES }),
  'env-host': toggle({ help: 'Take over your whole environment' }),
  'env-merge': many({
    help: "Set a variable from those of the image: NAME='$NAME:more'",
    parse: parseKeyValue,
  }),
  'group-add': commaList({ help: 'Add a supplementary group, or keep-groups for all of yours' }),
  'group-entry': text({
    help: 'Line for /etc/group where one is added; $GROUPNAME, $GID and $USERLIST are replaced',
  }),
  hostuser: commaList({ help: 'Add this user of the host to /etc/passwd' }),
  'http-proxy': toggle({ help: 'Take over http_proxy, https_proxy, ftp_proxy and no_proxy of yours' }),
  init: toggle({ help: 'Run a small init that reaps processes and forwards signals' }),
  'init-path': text({ help: 'The program to run as init', completion: FILES }),
  passwd: toggle({ initial: true, help: 'Add a user that the image lacks to its /etc/passwd' }),
  'passwd-entry': text({
    help: 'Line for /etc/passwd where one is added; $USERNAME, $UID, $GID, $NAME and $HOME are replaced',
  }),
  personality: choice(['LINUX', 'LINUX32'], { help: 'Execution domain of the processes' }),
  restart: value({
    help: 'When to start it again: no, on-failure[:max], always, unless-stopped',
    parse: parseRestartPolicy,
    completion: { kind: 'values', values: ['no', 'on-failure', 'always', 'unless-stopped'] },
  }),
  sdnotify: choice(NOTIFY_MODES, {
    help: 'Who tells systemd that the service is ready: container, conmon, healthy, ignore',
    defaultText: '"container"',
  }),
  'stop-signal': value({ help: 'Signal that asks the container to stop', parse: parseSignal }),
  'stop-timeout': count({ help: 'Seconds that stop waits before it kills', defaultText: '10' }),
  systemd: choiceOr('true', ['true', 'false', 'always'], {
    help: 'Prepare the container for systemd: where it runs systemd or an init, never, always',
  }),
  timeout: count({ help: 'Kill the container after so many seconds; 0 for never' }),
  tz: text({ help: 'Set the time zone: Area/City, or local for yours' }),
  ulimit: commaMany({
    placeholder: 'name=soft[:hard]',
    help: 'Set a resource limit, or host for your own limits',
    parse: parseUlimit,
  }),
  umask: value({ help: 'Set the file mode mask, in octal', defaultText: '"0022"', parse: parseUmask }),
  unsetenv: list({ help: 'Take a variable out of the default environment' }),
  'unsetenv-all': toggle({ help: 'Start from an empty environment' }),
  user: text({ short: 'u', help: 'Run as this user: name or id, with :group where wanted' }),
  workdir: text({ short: 'w', help: 'Working directory inside the container' }),
}

/** What the container is called and carries. */
export const IDENTITY_FLAGS = {
  annotation: many({ help: 'Add an annotation: key=value', parse: parseLabel }),
  cidfile: text({ help: "Write the container's id to this file", completion: FILES }),
  'conmon-pidfile': text({
    help: "Write the pid of the container's monitor to this file",
    completion: FILES,
  }),
  label: many({ short: 'l', help: 'Set a label: key=value', parse: parseLabel }),
  'label-file': commaList({ help: 'Read labels from a file', completion: FILES }),
  name: text({ help: 'Name the container' }),
  pidfile: text({ help: "Write the pid of the container's first process to this file", completion: FILES }),
  requires: commaList({ help: 'Start this container before' }),
  replace: toggle({ help: 'Remove a container that has the same name' }),
  rm: triState({ help: 'Remove the container when it ends' }),
}

export const STDIO_FLAGS = {
  interactive: toggle({ short: 'i', help: 'Keep standard input open' }),
  tty: toggle({ short: 't', help: 'Give the container a terminal' }),
}
