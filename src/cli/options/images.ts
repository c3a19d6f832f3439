import { choice, choiceOr, list, text, toggle, triState } from '../flags/kinds.ts'

const FILES = { kind: 'files' } as const
const FORMAT = { help: 'Print as json, or with a Go template' }
const PLATFORM = text({ help: 'Take the image for OS/ARCH[/VARIANT]' })

export const PULL_COMMAND_FLAGS = {
  arch: text({ placeholder: 'ARCH', help: 'Take the image for this architecture' }),
  os: text({ placeholder: 'OS', help: 'Take the image for this operating system' }),
  platform: PLATFORM,
  quiet: toggle({ short: 'q', help: 'Print the id only' }),
  'tls-verify': triState({ help: 'Insist on HTTPS and a valid certificate' }),
  variant: text({ placeholder: 'VARIANT', help: 'Take the image for this variant of the architecture' }),
}

export const LOAD_FLAGS = {
  input: text({
    short: 'i',
    help: 'Read from this file or directory instead of standard input',
    completion: FILES,
  }),
  platform: PLATFORM,
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
}

export const IMPORT_FLAGS = {
  change: list({
    short: 'c',
    help: 'Set a part of the configuration: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ...',
  }),
  message: text({ short: 'm', help: 'Write a remark into the history' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
}

export const IMAGES_SORTS = ['created', 'id', 'repository', 'size', 'tag'] as const

export const IMAGES_FLAGS = {
  all: toggle({ short: 'a', help: 'Show all images, also those that only others use' }),
  digests: toggle({ help: 'Show digests' }),
  filter: list({
    short: 'f',
    help: 'Show only what fits: dangling=, label=, reference=, before=, since=, id=',
  }),
  format: text(FORMAT),
  'no-trunc': toggle({ help: 'Show whole ids' }),
  noheading: toggle({ short: 'n', help: 'Leave the headings out' }),
  quiet: toggle({ short: 'q', help: 'Show ids only' }),
  sort: choiceOr('created', IMAGES_SORTS, { help: 'Sort by created, id, repository, size or tag' }),
}

export const RMI_FLAGS = {
  all: toggle({ short: 'a', help: 'Remove all images' }),
  force: toggle({ short: 'f', help: 'Remove an image that has several names or that containers use' }),
  ignore: toggle({ short: 'i', help: 'An unknown image is no error' }),
}

export const INSPECT_FLAGS = {
  format: text({ ...FORMAT, short: 'f' }),
  size: toggle({ short: 's', help: 'Add how much a container wrote' }),
  type: choiceOr('all', ['all', 'container', 'image', 'volume', 'network'], {
    help: 'What the names are names of',
  }),
}

export const DOCTOR_FLAGS = {
  format: choice(['table', 'json'], { help: 'Print as table or json', defaultText: '"table"' }),
}
