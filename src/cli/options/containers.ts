import { integer, list, text, textOr, toggle } from '../flags/kinds.ts'

export const START_FLAGS = {
  attach: toggle({
    short: 'a',
    help: "Attach standard output and standard error, and wait for the container's end",
  }),
  interactive: toggle({ short: 'i', help: 'Attach standard input too' }),
  'sig-proxy': toggle({ initial: true, help: 'Forward signals to the container (with --attach)' }),
}

export const RM_FLAGS = {
  all: toggle({ short: 'a', help: 'Remove all containers' }),
  cidfile: list({ help: 'Read the id of a container from this file', completion: { kind: 'files' } }),
  force: toggle({ short: 'f', help: 'End a running container first; an unknown one is no error' }),
  ignore: toggle({ short: 'i', help: 'An unknown container is no error' }),
  volumes: toggle({ short: 'v', help: "Remove the container's anonymous volumes too" }),
}

export const PS_FLAGS = {
  all: toggle({ short: 'a', help: 'Show all containers, not only running ones' }),
  filter: list({ short: 'f', help: 'Show only what fits: key=value' }),
  format: text({ help: 'Print as json, or with a Go template' }),
  last: integer({ short: 'n', help: 'Show the last created containers, running or not' }),
  latest: toggle({ short: 'l', help: 'Show the last created container' }),
  'no-trunc': toggle({ help: 'Show whole ids and commands' }),
  noheading: toggle({ help: 'Leave the headings out' }),
  quiet: toggle({ short: 'q', help: 'Show ids only' }),
  size: toggle({ short: 's', help: 'Show how much each container wrote' }),
  sort: textOr('created', {
    help: 'Sort by command, created, id, image, names, runningfor, size or status',
    completion: {
      kind: 'values',
      values: ['command', 'created', 'id', 'image', 'names', 'runningfor', 'size', 'status'],
    },
  }),
}
