import { existsSync } from 'node:fs'

/** Flags that show this host's perl inside: a container's way to any system call. */
export const WITH_PERL = ['/usr', '/lib', '/lib64'].flatMap((path) => ['-v', `${path}:${path}:ro`])

/** Why tests that need system calls of their own are skipped; undefined where they are not. */
export const NO_PERL =
  process.arch !== 'x64'
    ? 'the numbers of the system calls are those of x86-64'
    : existsSync('/usr/bin/perl') && existsSync('/lib64/ld-linux-x86-64.so.2')
      ? undefined
      : 'this host has no /usr/bin/perl'
