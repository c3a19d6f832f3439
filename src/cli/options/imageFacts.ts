import { text, toggle } from '../flags/kinds.ts'

export const HISTORY_FLAGS = {
  format: text({ help: 'Print as json, or with a Go template' }),
  human: toggle({ short: 'H', initial: true, help: 'Show sizes and times as people say them' }),
  'no-trunc': toggle({ help: 'Show whole ids and commands' }),
  notruncate: toggle({ help: 'Show whole ids and commands' }),
  quiet: toggle({ short: 'q', help: 'Show ids only' }),
}

export const IMAGE_TREE_FLAGS = {
  whatrequires: toggle({ help: 'Show what stands on the image instead of what it stands on' }),
}

export const IMAGE_MOUNT_FLAGS = {
  all: toggle({ short: 'a', help: 'Mount all images' }),
  format: text({ help: 'Print as json' }),
}

export const IMAGE_UNMOUNT_FLAGS = {
  all: toggle({ short: 'a', help: 'Unmount all images' }),
  force: toggle({ short: 'f', help: 'Unmount it although files in it are in use' }),
}
