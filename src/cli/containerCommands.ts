import { type CommandEntry, entry } from './commandEntry.ts'

// Entries of `bryo container ...` that have no command of their own at the top.

export const containerInspect: CommandEntry = {
  kind: 'command',
  name: 'inspect',
  summary: 'Show all about containers',
  page: 'inspect',
  load: async () => (await import('./commands/inspect.ts')).containerInspect,
}

export const containerClone = entry(
  'clone',
  'Make a container with the settings of another',
  () => import('./commands/containerClone.ts'),
)

export const containerCheckpoint = entry(
  'checkpoint',
  'Say why processes cannot be kept',
  () => import('./commands/containerCheckpoint.ts'),
)

export const containerRestore: CommandEntry = {
  kind: 'command',
  name: 'restore',
  summary: 'Say why processes cannot be brought back',
  load: async () => (await import('./commands/containerCheckpoint.ts')).restore,
}

export const containerExists = entry(
  'exists',
  'Tell by the exit code whether a container exists',
  () => import('./commands/containerExists.ts'),
)

export const containerPrune = entry(
  'prune',
  'Remove containers that do not run',
  () => import('./commands/containerPrune.ts'),
)

export const containerCleanup = entry(
  'cleanup',
  'Remove what containers that have ended no longer need',
  () => import('./commands/containerCleanup.ts'),
)

export const containerDiff: CommandEntry = {
  kind: 'command',
  name: 'diff',
  summary: 'List what a container has changed',
  page: 'diff',
  load: async () => (await import('./commands/diff.ts')).containerDiff,
}
