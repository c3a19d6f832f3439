import { value } from '../flags/kinds.ts'
import { parseDetachKeys } from '../parse/detachKeys.ts'

/** ctrl-p, ctrl-q. */
export const DETACH_KEYS = Uint8Array.of(0x10, 0x11)

export const DETACH_KEYS_FLAG = value({
  help: 'Keys that detach from the container, separated by commas; empty for none',
  defaultText: '"ctrl-p,ctrl-q"',
  parse: parseDetachKeys,
})
