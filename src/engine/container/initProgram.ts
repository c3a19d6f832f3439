import { BryoError } from '../../base/errors.ts'
import { isExecutableFile } from '../../base/findProgram.ts'

const CANDIDATES = [
  '/usr/bin/catatonit',
  '/usr/libexec/podman/catatonit',
  '/usr/libexec/catatonit/catatonit',
  '/usr/local/bin/catatonit',
  '/usr/bin/tini-static',
]

/** The program that becomes pid 1 with `--init`: it reaps and forwards signals. @throws BryoError TOOL_MISSING */
export function findInitProgram(asked: string | undefined): string {
  const found = (asked === undefined ? CANDIDATES : [asked]).find(isExecutableFile)
  if (found !== undefined) return found
  throw new BryoError(
    'TOOL_MISSING',
    asked === undefined
      ? 'cannot use --init: catatonit is not installed'
      : `cannot use --init: "${asked}" is not executable`,
    {
      hint: 'install the package catatonit, or name a static init with --init-path',
    },
  )
}
