import { count, toggle } from '../flags/kinds.ts'
import { FILESYSTEM_FLAGS, PULL_FLAGS } from './filesystem.ts'
import { ISOLATION_FLAGS, NETWORK_FLAGS } from './isolation.ts'
import { IDENTITY_FLAGS, PROCESS_FLAGS, STDIO_FLAGS } from './process.ts'

/** What `create` and `run` share: all that describes a container. */
export const CREATE_FLAGS = {
  ...IDENTITY_FLAGS,
  ...PROCESS_FLAGS,
  ...STDIO_FLAGS,
  ...FILESYSTEM_FLAGS,
  ...PULL_FLAGS,
  ...ISOLATION_FLAGS,
  ...NETWORK_FLAGS,
}

export const RUN_FLAGS = {
  ...CREATE_FLAGS,
  'preserve-fds': count({ help: 'Keep so many file descriptors, from 3 on', defaultText: '0' }),
  'sig-proxy': toggle({ initial: true, help: 'Forward signals to the container' }),
}
