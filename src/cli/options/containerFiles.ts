import { text } from '../flags/kinds.ts'

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
