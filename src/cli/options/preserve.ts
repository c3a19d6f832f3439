import { count, many } from '../flags/kinds.ts'

const FIRST = 3

/** @throws Error */
function parseFds(given: string): readonly number[] {
  return given.split(',').map((text) => {
    if (!/^\d{1,7}$/.test(text)) throw new Error('expected numbers of file descriptors such as 4,7')
    const fd = Number(text)
    if (fd < FIRST) throw new Error(`expected numbers from ${FIRST} on: 0, 1 and 2 are kept anyway`)
    return fd
  })
}

/** Which file descriptors of the caller's a workload gets. */
export const PRESERVE_FLAGS = {
  'preserve-fd': many({ placeholder: 'fd[,fd]', help: 'Keep these file descriptors', parse: parseFds }),
  'preserve-fds': count({ help: 'Keep so many file descriptors, from 3 on', defaultText: '0' }),
}
