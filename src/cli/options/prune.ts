import { list, toggle } from '../flags/kinds.ts'

/** What every command that prunes has. */
export const PRUNE_FLAGS = {
  filter: list({ help: 'Remove only what fits: label=, label!=, until=' }),
  force: toggle({ short: 'f', help: 'Do not ask' }),
}

export const IMAGE_PRUNE_FLAGS = {
  ...PRUNE_FLAGS,
  external: toggle({ help: 'Remove what other programs have left: the store has nothing of theirs' }),
  all: toggle({ short: 'a', help: 'Remove all images without a container, not only those without a name' }),
}

export const VOLUME_PRUNE_FLAGS = {
  ...PRUNE_FLAGS,
  all: toggle({ short: 'a', help: 'Remove volumes with names too, as is done anyway' }),
}

export const SYSTEM_PRUNE_FLAGS = {
  ...IMAGE_PRUNE_FLAGS,
  volumes: toggle({ help: 'Remove volumes that no container has, too' }),
}
