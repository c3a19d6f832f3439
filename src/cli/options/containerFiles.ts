import { choiceOr, list, text, toggle } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'

const FILES = { kind: 'files' } as const

export const EXPORT_FLAGS = {
  output: text({
    short: 'o',
    help: 'Write to this file instead of standard output',
    completion: FILES,
  }),
}

export const DIFF_FLAGS = {
  format: text({ help: 'Print as json, or each change with a Go template of .Kind and .Path' }),
}

export const CONTAINER_DIFF_FLAGS = {
  ...DIFF_FLAGS,
  latest: toggle({ short: 'l', help: 'Look at the last created container' }),
}

export const CP_FLAGS = {
  archive: toggle({
    short: 'a',
    initial: true,
    help: "What comes into a container belongs to the container's user; with =false owners are kept",
  }),
  extract: refused('archives on standard input are always unpacked', { isSwitch: true, harmless: ['true'] }),
  'follow-link': refused('name what the link points to', { isSwitch: true, short: 'L' }),
  overwrite: toggle({ help: 'Let directories take the place of other files, and the other way round' }),
  pause: toggle({ help: 'Has no effect: copying needs no pause' }),
  quiet: toggle({ short: 'q', help: 'Show no progress: none is shown' }),
}

export const COMMIT_FLAGS = {
  author: text({ short: 'a', help: 'Name the author of the image' }),
  change: list({
    short: 'c',
    help: 'Set a part of the configuration: for example ENV A=b, CMD or LABEL',
  }),
  config: refused('say what is to change with --change'),
  format: choiceOr('oci', ['oci', 'docker'], { short: 'f', help: 'Write the manifest in this format' }),
  iidfile: text({ help: 'Write the id of the image to this file', completion: FILES }),
  'include-volumes': toggle({
    help: 'Declare all volumes of the container in the image, without their content',
  }),
  message: text({ short: 'm', help: 'Write a remark into the history' }),
  pause: toggle({ short: 'p', help: 'Pause the container meanwhile' }),
  quiet: toggle({ short: 'q', help: 'Show no progress' }),
  squash: toggle({ short: 's', help: 'Make one layer of the whole root' }),
}

export const UNSHARE_FLAGS = {
  'rootless-netns': toggle({ help: 'Join the network namespace of rootless networks (not available)' }),
}

export const MOUNT_FLAGS = {
  all: toggle({ short: 'a', help: 'Mount all containers' }),
  format: text({ help: 'Print as json' }),
  latest: toggle({ short: 'l', help: 'Mount the last created container' }),
  'no-trunc': toggle({ help: 'Show whole ids' }),
}

export const UNMOUNT_FLAGS = {
  all: toggle({ short: 'a', help: 'Unmount all containers' }),
  force: toggle({ short: 'f', help: 'Unmount it although files in it are in use' }),
  latest: toggle({ short: 'l', help: 'Unmount the last created container' }),
}
