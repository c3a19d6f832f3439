import { text, toggle, value } from '../flags/kinds.ts'
import { parseDuration } from '../parse/duration.ts'

const FORMAT = { help: 'Print as json, or with a Go template' }

export const SYSTEM_DF_FLAGS = {
  format: text(FORMAT),
  verbose: toggle({ short: 'v', help: 'Show each image, container and volume' }),
}

export const INFO_FLAGS = {
  format: text({ ...FORMAT, short: 'f' }),
}

export const SYSTEM_RESET_FLAGS = { force: toggle({ short: 'f', help: 'Do not ask' }) }

export const SYSTEM_CHECK_FLAGS = {
  force: toggle({ short: 'f', help: 'With --repair, remove containers that cannot be mended' }),
  max: value({
    short: 'm',
    placeholder: 'duration',
    help: 'Keep layers and blobs that nothing uses when they are younger than this',
    defaultText: '"24h0m0s"',
    parse: parseDuration,
  }),
  quick: toggle({ short: 'q', help: 'Do not read the content of all blobs' }),
  repair: toggle({ short: 'r', help: 'Mend what is found' }),
}
