import { refused } from '../flags/refused.ts'

const NO_SERVICE = 'there is no service to connect to; every command does its work itself'
const NO_NETWORKS = 'there are no bridge networks'
const NO_OUTPUT = 'let the shell redirect the output'
const SWITCH = { isSwitch: true } as const

/** What Podman and Docker take before the command, and what has no meaning here. */
export const REFUSED_GLOBAL_FLAGS = {
  'cdi-spec-dir': refused('CDI is not supported'),
  'cgroup-manager': refused(
    "the user's systemd makes control groups where there is one; see --cgroup-parent of run",
  ),
  conmon: refused('the monitor of containers is part of bryo'),
  connection: refused(NO_SERVICE, { short: 'c' }),
  context: refused(NO_SERVICE, { harmless: ['default'] }),
  'events-backend': refused('events are in a file of the store', { harmless: ['file'] }),
  'hooks-dir': refused('OCI hooks are run by bryo oci-runtime alone'),
  host: refused(NO_SERVICE, { short: 'H' }),
  identity: refused(NO_SERVICE),
  imagestore: refused('use --storage-opt additionalimagestore=DIR, or --root'),
  module: refused('containers.conf is not read'),
  namespace: refused('use a store of its own: --root and --runroot'),
  'network-cmd-path': refused('slirp4netns and pasta are found in PATH'),
  'network-config-dir': refused(NO_NETWORKS),
  noout: refused(NO_OUTPUT, SWITCH),
  out: refused(NO_OUTPUT),
  remote: refused(NO_SERVICE, { ...SWITCH, short: 'r' }),
  runtime: refused('containers are run by bryo itself'),
  'runtime-flag': refused('containers are run by bryo itself'),
  ssh: refused(NO_SERVICE),
  syslog: refused('messages go to standard error', SWITCH),
  'transient-store': refused('use a store of its own: --root and --runroot', SWITCH),
  url: refused(NO_SERVICE),
  volumepath: refused('volumes are in the store; see --root'),
}
