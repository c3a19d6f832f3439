import { commaMany, count } from '../flags/kinds.ts'

const FIRST = 3

/** @throws Error */
function parseFd(given: string): number {
  if (!/^\d{1,7}$/.test(given)) throw new Error('expected numbers of file descriptors such as 4,7')
  const fd = Number(given)
  if (fd < FIRST) throw new Error(`expected numbers from ${FIRST} on: 0, 1 and 2 are kept anyway`)
  return fd
}

/** Which file descriptors of the caller's a workload gets. */
export const PRESERVE_FLAGS = {
  'preserve-fd': commaMany({ placeholder: 'fd[,fd]', help: 'Keep these file descriptors', parse: parseFd }),
  'preserve-fds': count({ help: 'Keep so many file descriptors, from 3 on', defaultText: '0' }),
}
