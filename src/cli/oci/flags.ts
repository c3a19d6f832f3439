import { LOG_LEVELS } from '../command.ts'
import { choiceOr, count, text, textOr, toggle } from '../flags/kinds.ts'

const CGROUP_MANAGERS = ['cgroupfs', 'systemd', 'disabled'] as const

/** Accepted before a command; runc's and crun's, so that what drives those drives this. */
export const OCI_GLOBAL_FLAGS = {
  root: text({ help: 'Directory of the state of containers', completion: { kind: 'directories' } }),
  log: text({ help: 'File that messages are added to', completion: { kind: 'files' } }),
  'log-format': choiceOr('text', ['text', 'json'], { help: 'Form of messages in the log' }),
  'log-level': choiceOr('warn', LOG_LEVELS, { help: 'Show messages of this level and above' }),
  debug: toggle({ help: 'Show the steps of the container with their time' }),
  rootless: textOr('auto', { help: 'Accepted for compatibility; this program always is' }),
  'systemd-cgroup': toggle({ help: 'Have your systemd make control groups' }),
  'cgroup-manager': choiceOr('cgroupfs', CGROUP_MANAGERS, { help: 'What makes control groups' }),
  criu: text({ help: 'Accepted for compatibility; there are no checkpoints' }),
  help: toggle({ short: 'h', help: 'Show help' }),
  version: toggle({ short: 'v', help: 'Show the version' }),
}

/** What create and run share. */
export const CREATE_FLAGS = {
  bundle: textOr('.', { short: 'b', help: 'Directory of the bundle', completion: { kind: 'directories' } }),
  'console-socket': text({
    help: 'Socket that receives the master end of the terminal',
    completion: { kind: 'files' },
  }),
  'pid-file': text({
    help: "File for the pid of the container's first process",
    completion: { kind: 'files' },
  }),
  'preserve-fds': count({ help: 'Number of descriptors from 3 on that the program keeps' }),
  'no-pivot': toggle({ help: 'Refused: without pivot_root the host stays in reach' }),
  'no-new-keyring': toggle({ help: 'Accepted for compatibility; the session keyring is always a new one' }),
}
