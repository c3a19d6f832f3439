import { containerFilterFlag } from '../containerFilters.ts'
import { commaList, integer, list, text, toggle, value } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'
import { parseSignal } from '../parse/signal.ts'
import { DETACH_KEYS_FLAG } from './attach.ts'
import { PRESERVE_FLAGS } from './preserve.ts'

const FILES = { kind: 'files' } as const
const CIDFILE = list({ help: 'Read the id of a container from this file', completion: FILES })
const IGNORE = toggle({ short: 'i', help: 'An unknown container is no error' })
const LATEST = toggle({ short: 'l', help: 'Take the last created container' })
const SIGNAL = value({ short: 's', help: 'The signal to stop it by, instead of its own', parse: parseSignal })
const TIME = integer({ short: 't', help: 'Seconds to wait before it is killed; -1 waits for ever' })

export const INIT_FLAGS = {
  all: toggle({ short: 'a', help: 'All containers that have no processes' }),
  latest: LATEST,
}

export const STOP_FLAGS = {
  all: toggle({ short: 'a', help: 'Stop all containers that run' }),
  cidfile: CIDFILE,
  filter: containerFilterFlag('Stop those that fit: key=value', 'f'),
  ignore: IGNORE,
  latest: LATEST,
  signal: SIGNAL,
  time: TIME,
}

export const KILL_FLAGS = {
  all: toggle({ short: 'a', help: 'Signal all containers that run' }),
  cidfile: CIDFILE,
  latest: LATEST,
  signal: value({ short: 's', help: 'The signal to send', defaultText: '"KILL"', parse: parseSignal }),
}

export const RESTART_FLAGS = {
  all: toggle({ short: 'a', help: 'Restart all containers' }),
  cidfile: CIDFILE,
  filter: containerFilterFlag('Restart those that fit: key=value', 'f'),
  latest: LATEST,
  running: toggle({ help: 'Restart only containers that run' }),
  signal: SIGNAL,
  time: TIME,
}

export const WAIT_FLAGS = {
  condition: list({
    help: 'Wait for this state instead of the end: created, initialized, running, stopped, exited, removed, healthy, unhealthy',
    completion: {
      kind: 'values',
      values: [
        'created',
        'initialized',
        'running',
        'stopped',
        'exited',
        'paused',
        'removed',
        'healthy',
        'unhealthy',
      ],
    },
  }),
  'exit-first-match': toggle({ help: 'End as soon as the first of several containers fits' }),
  ignore: toggle({ help: 'An unknown container is no error: its exit code is -1' }),
  interval: text({ short: 'i', help: 'Time between two looks at a condition', defaultText: '250ms' }),
  latest: LATEST,
}

export const ATTACH_FLAGS = {
  'detach-keys': DETACH_KEYS_FLAG,
  latest: LATEST,
  'no-stdin': toggle({ help: 'Do not attach standard input' }),
  'sig-proxy': toggle({ initial: true, help: 'Forward signals to the container' }),
}

export const EXEC_FLAGS = {
  cidfile: text({ help: 'Read the id of the container from this file', completion: FILES }),
  detach: toggle({ short: 'd', help: 'Leave the process in the background' }),
  'detach-keys': DETACH_KEYS_FLAG,
  env: list({ short: 'e', help: 'Set an environment variable: NAME=value, or NAME or NAME* of yours' }),
  'env-file': commaList({ help: 'Read environment variables from a file', completion: FILES }),
  interactive: toggle({ short: 'i', help: 'Keep standard input open' }),
  latest: LATEST,
  'no-session': toggle({ help: 'Has no effect: no record of the process is kept' }),
  ...PRESERVE_FLAGS,
  privileged: toggle({ help: 'Give the process all capabilities of the container' }),
  tty: toggle({ short: 't', help: 'Give the process a terminal' }),
  user: text({ short: 'u', help: 'Run as this user: name or id, with :group where wanted' }),
  wait: integer({ help: 'Wait so many seconds for the container to run; -1 waits for ever' }),
  workdir: text({ short: 'w', help: 'Working directory inside the container' }),
}

export const PAUSE_FLAGS = {
  all: toggle({ short: 'a', help: 'All containers' }),
  cidfile: CIDFILE,
  filter: containerFilterFlag('Those that fit: key=value', 'f'),
  latest: LATEST,
}

export const CLEANUP_FLAGS = {
  all: toggle({ short: 'a', help: 'All containers that have ended' }),
  exec: refused('a process of exec leaves nothing that could be cleared up'),
  latest: LATEST,
  rm: toggle({ help: 'Remove the container too' }),
  rmi: toggle({ help: 'Remove the container and its image too' }),
  'stopped-only': toggle({ help: 'Only where it has ended: always so' }),
}
