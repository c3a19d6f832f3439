import { list, many, text, textOr, toggle } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'
import { parseLabel } from '../parse/keyValue.ts'

const FORMAT = { help: 'Print as json, or with a Go template' }

export const SECRET_CREATE_FLAGS = {
  driver: textOr('file', { short: 'd', help: 'Secret driver' }),
  'driver-opts': refused('the driver file has no options'),
  env: toggle({ help: 'The second argument is the environment variable that holds it' }),
  ignore: toggle({ help: 'A secret that exists is no error, and stays as it is' }),
  label: many({ short: 'l', help: 'Set a label: key=value', parse: parseLabel }),
  replace: toggle({ help: 'Replace a secret that has the same name' }),
}

export const SECRET_INSPECT_FLAGS = {
  format: text({ ...FORMAT, short: 'f' }),
  pretty: toggle({ help: 'Print for reading' }),
  showsecret: toggle({ help: 'Show what the secret says' }),
}

export const SECRET_LS_FLAGS = {
  filter: list({ short: 'f', help: 'Show only what fits: driver=, id=, label= or name=' }),
  format: text(FORMAT),
  noheading: toggle({ short: 'n', help: 'Leave the headings out' }),
  quiet: toggle({ short: 'q', help: 'Show ids only' }),
}

export const SECRET_RM_FLAGS = {
  all: toggle({ short: 'a', help: 'Remove all secrets' }),
  ignore: toggle({ short: 'i', help: 'An unknown secret is no error' }),
}
