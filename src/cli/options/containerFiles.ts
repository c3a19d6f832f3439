import { text, toggle } from '../flags/kinds.ts'

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

export const CP_FLAGS = {
  archive: toggle({
    short: 'a',
    initial: true,
    help: "What comes into a container belongs to the container's user; with =false owners are kept",
  }),
  overwrite: toggle({ help: 'Let directories take the place of other files, and the other way round' }),
  pause: toggle({ help: 'Has no effect: copying needs no pause' }),
}
