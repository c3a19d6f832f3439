import { containerFilterFlag } from '../containerFilters.ts'
import { integer, list, toggle } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'
import { DETACH_KEYS_FLAG } from './attach.ts'
import { NO_CHECKPOINT } from './checkpoint.ts'

export const START_FLAGS = {
  all: toggle({ help: 'Start all containers' }),
  attach: toggle({
    short: 'a',
    help: "Attach standard output and standard error, and wait for the container's end",
  }),
  checkpoint: refused(NO_CHECKPOINT),
  'checkpoint-dir': refused(NO_CHECKPOINT),
  'detach-keys': DETACH_KEYS_FLAG,
  filter: containerFilterFlag('Start those that fit: key=value', 'f'),
  interactive: toggle({ short: 'i', help: 'Attach standard input too' }),
  latest: toggle({ short: 'l', help: 'Take the last created container' }),
  'sig-proxy': toggle({ initial: true, help: 'Forward signals to the container (with --attach)' }),
}

export const RM_FLAGS = {
  all: toggle({ short: 'a', help: 'Remove all containers' }),
  cidfile: list({ help: 'Read the id of a container from this file', completion: { kind: 'files' } }),
  depend: toggle({ help: 'Remove the containers that share its namespaces too' }),
  filter: containerFilterFlag('Remove those that fit: key=value'),
  force: toggle({ short: 'f', help: 'End a running container first; an unknown one is no error' }),
  ignore: toggle({ short: 'i', help: 'An unknown container is no error' }),
  latest: toggle({ short: 'l', help: 'Take the last created container' }),
  link: refused('containers are not linked', { isSwitch: true }),
  time: integer({ short: 't', help: 'With --force: seconds to wait before it is killed; -1 waits for ever' }),
  volumes: toggle({ short: 'v', help: "Remove the container's anonymous volumes too" }),
}
