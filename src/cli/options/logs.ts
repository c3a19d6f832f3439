import { text, toggle, value } from '../flags/kinds.ts'

export const SINCE_HELP = 'a time, a date, seconds since 1970, or a duration such as 10m'

export const LOGS_FLAGS = {
  color: toggle({ help: 'Show each container in a colour of its own' }),
  follow: toggle({ short: 'f', help: "Go on until the container's end" }),
  latest: toggle({ short: 'l', help: 'Show the log of the container that was made last' }),
  names: toggle({
    short: 'n',
    help: 'With several containers, put their names in front instead of their ids',
  }),
  since: text({ help: `Show only what is not older: ${SINCE_HELP}` }),
  tail: value({
    placeholder: 'int|all',
    help: 'Show so many lines at the end',
    defaultText: 'all',
    parse: parseTail,
  }),
  timestamps: toggle({ short: 't', help: 'Put the time in front of each line' }),
  until: text({ help: `Show only what is not newer: ${SINCE_HELP}` }),
}

/** A negative number means all lines too. */
function parseTail(text: string): number {
  if (text === 'all') return -1
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new Error('expected a number of lines, or all')
  return Number(text)
}
