import { list, text, toggle, value } from '../flags/kinds.ts'

const MOMENT = 'a time, a date, seconds since 1970, or a duration such as 10m'

export const LOGS_FLAGS = {
  color: toggle({ help: 'Show each container in a colour of its own' }),
  details: toggle({ help: 'Show further attributes of each line: there are none' }),
  follow: toggle({ short: 'f', help: "Go on until the container's end" }),
  latest: toggle({ short: 'l', help: 'Show the log of the last created container' }),
  names: toggle({
    short: 'n',
    help: 'With several containers, put their names in front instead of their ids',
  }),
  since: text({ help: `Show only what is not older: ${MOMENT}` }),
  tail: value({
    placeholder: 'int|all',
    help: 'Show so many lines at the end',
    defaultText: 'all',
    parse: parseTail,
  }),
  timestamps: toggle({ short: 't', help: 'Put the time in front of each line' }),
  until: text({ help: `Show only what is not newer: ${MOMENT}` }),
}

export const EVENTS_FLAGS = {
  filter: list({ short: 'f', help: 'Show only what fits: key=value' }),
  format: text({ help: 'Print as json, or with a Go template' }),
  'no-trunc': toggle({ initial: true, help: 'Show whole ids' }),
  since: text({ help: `Begin with what has happened since: ${MOMENT}` }),
  stream: toggle({ initial: true, help: 'Wait for what happens' }),
  until: text({ help: `End there: ${MOMENT}` }),
}

/** A negative number means all lines too. */
function parseTail(text: string): number {
  if (text === 'all') return -1
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new Error('expected a number of lines, or all')
  return Number(text)
}
