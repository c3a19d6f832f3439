import { choiceOr, list, text, toggle } from '../flags/kinds.ts'
import { CONTENT_TRUST } from './refused.ts'
import { TRANSFER_FLAGS } from './registry.ts'
import { SIGNATURE_POLICY } from './transfer.ts'

const FILES = { kind: 'files' } as const
const FORMAT = { help: 'Print as json, or with a Go template' }
const PLATFORM = text({ help: 'Take the image for OS/ARCH[/VARIANT]' })

export const PULL_COMMAND_FLAGS = {
  'all-tags': toggle({ short: 'a', help: 'Pull every tag of the repository' }),
  ...TRANSFER_FLAGS,
  arch: text({ placeholder: 'ARCH', help: 'Take the image for this architecture' }),
  'disable-content-trust': CONTENT_TRUST,
  os: text({ placeholder: 'OS', help: 'Take the image for this operating system' }),
  platform: PLATFORM,
  policy: choiceOr('always', ['always', 'missing', 'newer', 'never'], { help: 'When to pull' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
  'signature-policy': SIGNATURE_POLICY,
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
  'signature-policy': SIGNATURE_POLICY,
}

export const IMPORT_FLAGS = {
  change: list({
    short: 'c',
    help: 'Set a part of the configuration: for example ENV A=b, CMD or LABEL',
  }),
  message: text({ short: 'm', help: 'Write a remark into the history' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
}

export const IMAGES_SORTS = ['created', 'id', 'repository', 'size', 'tag'] as const

export const IMAGES_FLAGS = {
  all: toggle({ short: 'a', help: 'Show intermediate images too' }),
  digests: toggle({ help: 'Show digests' }),
  filter: list({
    short: 'f',
    help: 'Show only what fits: for example dangling=true, label=, reference=, before=, until=',
  }),
  format: text(FORMAT),
  history: toggle({ help: 'Show the names that images have had' }),
  'no-trunc': toggle({ help: 'Show whole ids' }),
  noheading: toggle({ short: 'n', help: 'Leave the headings out' }),
  quiet: toggle({ short: 'q', help: 'Show ids only' }),
  sort: choiceOr('created', IMAGES_SORTS, { help: 'Sort by created, id, repository, size or tag' }),
}

export const RMI_FLAGS = {
  all: toggle({ short: 'a', help: 'Remove all images' }),
  force: toggle({ short: 'f', help: 'Remove an image that has several names or that containers use' }),
  ignore: toggle({ short: 'i', help: 'An unknown image is no error' }),
  'no-prune': toggle({ help: 'Keep images without a name that the image was made of' }),
}
