import { check } from './error.ts'
import { bind } from './native.ts'

const c = { personality: bind('int personality(size_t persona)') }

/** Execution domains. @see personality(2) */
const PERSONALITY = { LINUX: 0, LINUX32: 8 } as const

/** Which kind of machine uname(2) tells this process and its children of. */
export function setPersonality(domain: keyof typeof PERSONALITY): void {
  check('personality', c.personality(PERSONALITY[domain]), { domain })
}
