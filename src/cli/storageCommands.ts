import { entry, type GroupEntry } from './commandEntry.ts'

export const secret: GroupEntry = {
  kind: 'group',
  name: 'secret',
  summary: 'Work with secrets',
  commands: [
    entry('create', 'Store a secret', () => import('./commands/secretCreate.ts')),
    entry(
      'exists',
      'Tell by the exit code whether a secret exists',
      () => import('./commands/secretExists.ts'),
    ),
    entry('inspect', 'Show all about secrets', () => import('./commands/secretInspect.ts')),
    entry('ls', 'List secrets', () => import('./commands/secretLs.ts'), ['list']),
    entry('rm', 'Remove secrets', () => import('./commands/secretRm.ts'), ['remove']),
  ],
}

export const volume: GroupEntry = {
  kind: 'group',
  name: 'volume',
  summary: 'Work with volumes',
  commands: [
    entry('create', 'Make a volume', () => import('./commands/volumeCreate.ts')),
    entry(
      'exists',
      'Tell by the exit code whether a volume exists',
      () => import('./commands/volumeExists.ts'),
    ),
    entry(
      'export',
      'Write the content of a volume as a tar archive',
      () => import('./commands/volumeExport.ts'),
    ),
    entry('import', 'Unpack a tar archive into a volume', () => import('./commands/volumeImport.ts')),
    entry('inspect', 'Show all about volumes', () => import('./commands/volumeInspect.ts')),
    entry('ls', 'List volumes', () => import('./commands/volumeLs.ts'), ['list']),
    entry('mount', 'Show where the content of volumes is', () => import('./commands/volumeMount.ts')),
    entry('prune', 'Remove volumes that no container has', () => import('./commands/volumePrune.ts')),
    {
      kind: 'command',
      name: 'reload',
      summary: 'Ask volume drivers for their volumes',
      page: 'volume-mount',
      load: async () => (await import('./commands/volumeMount.ts')).reload,
    },
    entry('rm', 'Remove volumes', () => import('./commands/volumeRm.ts'), ['remove']),
    {
      kind: 'command',
      name: 'unmount',
      summary: 'Undo the mounting of volumes',
      page: 'volume-mount',
      load: async () => (await import('./commands/volumeMount.ts')).unmount,
    },
  ],
}
