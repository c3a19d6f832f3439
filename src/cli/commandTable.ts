import { type CommandEntry, type Entry, entry, type GroupEntry, isCalled } from './commandEntry.ts'
import {
  containerCheckpoint,
  containerCleanup,
  containerClone,
  containerDiff,
  containerExists,
  containerInspect,
  containerPrune,
  containerRestore,
} from './containerCommands.ts'
import {
  imageBootstrap,
  imageDiff,
  imageExists,
  imageInspect,
  imageMount,
  imagePrune,
  imageTree,
  imageUnmount,
} from './imageCommands.ts'
import { secret, volume } from './storageCommands.ts'

const attach = entry('attach', 'Connect with a running container', () => import('./commands/attach.ts'))
const completion = entry(
  'completion',
  'Print the completion script for a shell',
  () => import('./commands/completion.ts'),
)
const commit = entry(
  'commit',
  'Make an image of what a container has changed',
  () => import('./commands/commit.ts'),
)
const cp = entry('cp', 'Copy files between a container and the host', () => import('./commands/cp.ts'))
const diff = entry(
  'diff',
  'List what has changed in a container or image',
  () => import('./commands/diff.ts'),
)
const mount = entry('mount', "Mount containers' roots inside of unshare", () => import('./commands/mount.ts'))
const unmount = entry(
  'unmount',
  "Take away mounts of containers' roots",
  () => import('./commands/unmount.ts'),
  ['umount'],
)
const unshare = entry(
  'unshare',
  'Run a command in the user namespace of containers',
  () => import('./commands/unshare.ts'),
)
const create = entry('create', 'Make a container without starting it', () => import('./commands/create.ts'))
const doctor = entry(
  'doctor',
  'Examine this host and tell what it lacks',
  () => import('./commands/doctor.ts'),
)
const exec = entry('exec', 'Run a command in a running container', () => import('./commands/exec.ts'))
const exportContainer = entry(
  'export',
  "Write a container's root as a tar archive",
  () => import('./commands/export.ts'),
)
const history = entry('history', 'Show how an image was made', () => import('./commands/history.ts'))
const images = entry('images', 'List images', () => import('./commands/images.ts'))
const importRoot = entry(
  'import',
  'Make an image from a tar archive of a root directory',
  () => import('./commands/import.ts'),
)
const init = entry('init', 'Make all of a container but its workload', () => import('./commands/init.ts'))
const inspect = entry('inspect', 'Show all about an object', () => import('./commands/inspect.ts'))
const kill = entry('kill', 'Send a signal to running containers', () => import('./commands/kill.ts'))
const load = entry('load', 'Load images from an archive', () => import('./commands/load.ts'))
const pause = entry('pause', 'Pause containers', () => import('./commands/pause.ts'))
const port = entry(
  'port',
  'Show where ports of a container are published',
  () => import('./commands/port.ts'),
)
const events = entry('events', 'Show what happens', () => import('./commands/events.ts'))
const login = entry('login', 'Log in to a registry', () => import('./commands/login.ts'))
const logout = entry('logout', 'Forget the login for a registry', () => import('./commands/logout.ts'))
const logs = entry('logs', 'Show what containers have written', () => import('./commands/logs.ts'))
const ociRuntime = entry(
  'oci-runtime',
  'Run containers of OCI bundles for other engines',
  () => import('./commands/oci-runtime.ts'),
)
const ps = entry('ps', 'List containers', () => import('./commands/ps.ts'))
const pull = entry('pull', 'Pull images from a registry', () => import('./commands/pull.ts'))
const push = entry('push', 'Push an image to a registry', () => import('./commands/push.ts'))
const rename = entry('rename', 'Give a container another name', () => import('./commands/rename.ts'))
const restart = entry(
  'restart',
  'Stop containers and start them again',
  () => import('./commands/restart.ts'),
)
const rm = entry('rm', 'Remove containers', () => import('./commands/rm.ts'))
const rmi = entry('rmi', 'Remove images', () => import('./commands/rmi.ts'))
const run = entry('run', 'Run a command in a new container', () => import('./commands/run.ts'))
const save = entry('save', 'Write images as an archive', () => import('./commands/save.ts'))
const search = entry('search', 'Search a registry', () => import('./commands/search.ts'))
const security = entry(
  'security',
  'Show what protects a running container',
  () => import('./commands/security.ts'),
)
const start = entry('start', 'Start containers', () => import('./commands/start.ts'))
const stats = entry('stats', 'Show what containers use', () => import('./commands/stats.ts'))
const stop = entry('stop', 'Stop containers', () => import('./commands/stop.ts'))
const tag = entry('tag', 'Give an image further names', () => import('./commands/tag.ts'))
const top = entry('top', 'Show the processes of a container', () => import('./commands/top.ts'))
const untag = entry('untag', 'Take names from an image', () => import('./commands/untag.ts'))
const unpause: CommandEntry = {
  kind: 'command',
  name: 'unpause',
  summary: 'Let paused containers go on',
  load: async () => (await import('./commands/pause.ts')).unpause,
}
const update = entry('update', 'Change settings of a container', () => import('./commands/update.ts'))
const version = entry('version', 'Show the version', () => import('./commands/version.ts'))
const wait = entry('wait', 'Wait for the end of containers', () => import('./commands/wait.ts'))

/** A command of the top under the name that it has in a group. */
function as(name: string, command: CommandEntry, aliases: readonly string[] = []): CommandEntry {
  return { ...command, name, aliases }
}

const container: GroupEntry = {
  kind: 'group',
  name: 'container',
  summary: 'Work with containers',
  commands: [
    ...[
      attach,
      commit,
      cp,
      create,
      containerDiff,
      containerCleanup,
      containerExists,
      exec,
      exportContainer,
      init,
      kill,
      containerInspect,
      as('ls', ps, ['list', 'ps']),
      logs,
      mount,
      pause,
      port,
    ],
    ...[
      containerCheckpoint,
      containerClone,
      containerPrune,
      containerRestore,
      rename,
      restart,
      rm,
      run,
      start,
      stats,
      stop,
      unmount,
      unpause,
      update,
      top,
      wait,
    ],
  ],
}

const imageCopy = entry(
  'copy',
  'Copy an image between registries, archives and the store',
  () => import('./commands/imageCopy.ts'),
)

const image: GroupEntry = {
  kind: 'group',
  name: 'image',
  summary: 'Work with images',
  commands: [
    imageCopy,
    imageBootstrap,
    imageDiff,
    imageExists,
    history,
    importRoot,
    imageInspect,
    load,
    as('ls', images, ['list']),
    imageMount,
    imagePrune,
    pull,
    push,
    as('rm', rmi),
    save,
    search,
    tag,
    imageTree,
    imageUnmount,
    untag,
  ],
}

const info = entry('info', 'Show all about the host, the store and bryo', () => import('./commands/info.ts'))

const system: GroupEntry = {
  kind: 'group',
  name: 'system',
  summary: 'Work with the store as a whole',
  commands: [
    entry('check', 'Look for damage in the store, and mend it', () => import('./commands/systemCheck.ts')),
    entry('df', 'Show what takes room on the disk', () => import('./commands/systemDf.ts')),
    events,
    info,
    entry('migrate', 'Clear up after an update', () => import('./commands/systemMigrate.ts')),
    entry('prune', 'Remove what nobody uses', () => import('./commands/systemPrune.ts')),
    {
      ...entry('renumber', 'Clear up locks', () => import('./commands/systemRenumber.ts')),
      page: 'system-migrate',
    },
    entry('reset', 'Remove everything', () => import('./commands/systemReset.ts')),
  ],
}

const manifest: GroupEntry = {
  kind: 'group',
  name: 'manifest',
  summary: 'Work with images for several platforms under one name',
  commands: [
    entry('add', 'Add an image to a list', () => import('./commands/manifestAdd.ts')),
    entry('annotate', 'Say more of an image in a list', () => import('./commands/manifestAnnotate.ts')),
    entry('create', 'Make a list', () => import('./commands/manifestCreate.ts')),
    entry(
      'exists',
      'Tell by the exit code whether a list exists',
      () => import('./commands/manifestExists.ts'),
    ),
    entry('inspect', 'Show a list', () => import('./commands/manifestInspect.ts')),
    entry('push', 'Push a list to a registry', () => import('./commands/manifestPush.ts')),
    entry('remove', 'Take an image out of a list', () => import('./commands/manifestRemove.ts')),
    entry('rm', 'Remove lists', () => import('./commands/manifestRm.ts')),
  ],
}

const healthcheck: GroupEntry = {
  kind: 'group',
  name: 'healthcheck',
  summary: 'Find out whether containers work',
  commands: [entry('run', 'Run a health check once', () => import('./commands/healthcheckRun.ts'))],
}

/** Every command, in the order of `--help`. */
export const ENTRIES: readonly Entry[] = [
  ...[
    attach,
    commit,
    completion,
    container,
    cp,
    create,
    diff,
    doctor,
    events,
    exec,
    exportContainer,
    healthcheck,
    history,
    image,
    images,
    importRoot,
    info,
    init,
    inspect,
    load,
  ],
  ...[
    kill,
    login,
    logout,
    logs,
    manifest,
    mount,
    ociRuntime,
    pause,
    port,
    ps,
    pull,
    push,
    rename,
    restart,
    rm,
    rmi,
    run,
    save,
    search,
    secret,
    security,
    start,
    stats,
    stop,
    system,
    tag,
    top,
    unmount,
    unpause,
    unshare,
    untag,
    update,
    version,
    volume,
    wait,
  ],
]

/** The entry of `bryo image rm`: undefined where there is none; a group alone is an entry too. */
export function findEntry(path: readonly string[]): Entry | undefined {
  const [first = '', second] = path
  const top = ENTRIES.find((candidate) => isCalled(candidate, first))
  if (second === undefined || top?.kind !== 'group') return top
  return top.commands.find((candidate) => isCalled(candidate, second))
}

export type { CommandEntry, Entry, GroupEntry }
