import { commaMany, toggle } from '../flags/kinds.ts'
import { parseStream } from '../parse/stream.ts'
import { DETACH_KEYS_FLAG } from './attach.ts'
import { FILESYSTEM_FLAGS, PULL_FLAGS } from './filesystem.ts'
import { HEALTH_FLAGS } from './health.ts'
import { ISOLATION_FLAGS, NETWORK_FLAGS } from './isolation.ts'
import { LOGGING_FLAGS } from './logging.ts'
import { PRESERVE_FLAGS } from './preserve.ts'
import { IDENTITY_FLAGS, PROCESS_FLAGS, STDIO_FLAGS } from './process.ts'
import { REFUSED_CREATE_FLAGS, REFUSED_FLAGS } from './refused.ts'
import { RESOURCE_FLAGS } from './resources.ts'

/** What `create` and `run` share: all that describes a container. */
export const CREATE_FLAGS = {
  ...IDENTITY_FLAGS,
  ...PROCESS_FLAGS,
  ...HEALTH_FLAGS,
  ...STDIO_FLAGS,
  ...LOGGING_FLAGS,
  ...FILESYSTEM_FLAGS,
  ...PULL_FLAGS,
  ...ISOLATION_FLAGS,
  ...RESOURCE_FLAGS,
  ...NETWORK_FLAGS,
  ...REFUSED_FLAGS,
}

const ATTACH = {
  short: 'a',
  parse: parseStream,
  completion: { kind: 'values', values: ['stdin', 'stdout', 'stderr'] },
} as const

export const CREATE_COMMAND_FLAGS = {
  ...CREATE_FLAGS,
  ...REFUSED_CREATE_FLAGS,
  attach: commaMany({ ...ATTACH, help: 'Has no effect: start says what is attached' }),
}

export const RUN_FLAGS = {
  ...CREATE_FLAGS,
  attach: commaMany({ ...ATTACH, help: 'Attach only this: stdin, stdout or stderr' }),
  detach: toggle({ short: 'd', help: "Run in the background and print the container's id" }),
  'detach-keys': DETACH_KEYS_FLAG,
  ...PRESERVE_FLAGS,
  rmi: toggle({ help: 'Remove the container when it ends, and its image where no other container uses it' }),
  'security-report': toggle({ help: 'Print what protects the container to standard error before it runs' }),
  'sig-proxy': toggle({ initial: true, help: 'Forward signals to the container' }),
}
