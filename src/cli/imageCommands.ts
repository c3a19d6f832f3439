import { type CommandEntry, entry } from './commandEntry.ts'

// Entries of `bryo image ...` that have no command of their own at the top.

export const imageInspect: CommandEntry = {
  kind: 'command',
  name: 'inspect',
  summary: 'Show all about images',
  page: 'inspect',
  load: async () => (await import('./commands/inspect.ts')).imageInspect,
}

export const imagePrune = entry(
  'prune',
  'Remove images that nobody uses',
  () => import('./commands/imagePrune.ts'),
)

export const imageExists = entry(
  'exists',
  'Tell by the exit code whether an image exists',
  () => import('./commands/imageExists.ts'),
)

export const imageTree = entry('tree', 'Show the layers of an image', () => import('./commands/imageTree.ts'))

export const imageMount = entry(
  'mount',
  'Mount images inside of unshare',
  () => import('./commands/imageMount.ts'),
)

export const imageUnmount = entry(
  'unmount',
  'Take away mounts of images',
  () => import('./commands/imageUnmount.ts'),
  ['umount'],
)

export const imageDiff: CommandEntry = {
  kind: 'command',
  name: 'diff',
  summary: 'List what the top layer of an image has changed',
  page: 'diff',
  load: async () => (await import('./commands/diff.ts')).imageDiff,
}

export const imageBootstrap = entry(
  'bootstrap',
  'Make a base image without a registry',
  () => import('./commands/imageBootstrap.ts'),
)
