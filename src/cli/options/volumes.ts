import { count, integer, list, many, text, textOr, toggle } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'
import { parseLabel } from '../parse/keyValue.ts'

/** What Podman tells of volumes and there is nothing to tell about here. */
export const VOLUME_WITHOUT = { NeedsChown: false, LockNumber: 0, StorageID: '', Timeout: 0 }

const FORMAT = { help: 'Print as json, or with a Go template' }

export const VOLUME_CREATE_FLAGS = {
  driver: textOr('local', { short: 'd', help: 'Volume driver' }),
  gid: count({ help: 'Give the volume to this group of containers' }),
  ignore: toggle({ help: 'A volume that exists is no error' }),
  label: many({ short: 'l', help: 'Set a label: key=value', parse: parseLabel }),
  opt: many({ short: 'o', help: 'Set an option of the driver: key=value', parse: parseLabel }),
  pinned: refused('give it a label, and prune with --filter label!=NAME', { isSwitch: true }),
  uid: count({ help: 'Give the volume to this user of containers' }),
}

export const VOLUME_LS_FLAGS = {
  filter: list({ short: 'f', help: 'Show only what fits: key=value' }),
  format: text(FORMAT),
  noheading: toggle({ short: 'n', help: 'Leave the headings out' }),
  quiet: toggle({ short: 'q', help: 'Show names only' }),
}

export const VOLUME_INSPECT_FLAGS = {
  all: toggle({ short: 'a', help: 'Show all volumes' }),
  format: text({ ...FORMAT, short: 'f' }),
}

export const VOLUME_RM_FLAGS = {
  all: toggle({ short: 'a', help: 'Remove all volumes' }),
  force: toggle({ short: 'f', help: 'Remove the containers that use it first; an unknown one is no error' }),
  time: integer({
    short: 't',
    help: 'With --force: seconds to wait before they are killed; -1 waits for ever',
  }),
}

export const VOLUME_EXPORT_FLAGS = {
  output: text({
    short: 'o',
    help: 'Write to this file; - for standard output',
    completion: { kind: 'files' },
  }),
}
