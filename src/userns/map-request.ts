import { BryoError } from '../base/errors.ts'
import { isId } from './ranges.ts'

/** One `--uidmap` or `--gidmap`: which ids the container sees, and where they come from. */
export interface IdMapRequest {
  readonly containerId: number
  /**
   * `intermediate`: 0 is the caller, 1 and up are the subordinate ids in their order (started as root: 0 and up).
   * `host`: an id of the host, which is one of those.
   */
  readonly from: { readonly space: 'intermediate' | 'host'; readonly id: number }
  readonly size: number
  /** Added to the default map, whose conflicting part gives way; else the map has only what is asked for. */
  readonly extends: boolean
  /** The maps that it is meant for. */
  readonly kinds: readonly ('uid' | 'gid')[]
}

const REQUEST = /^([+ug]*)(\d{1,10}):(@?)(\d{1,10})(?::(\d{1,10}))?$/

/**
 * `[+ug]CONTAINER:[@]FROM[:SIZE]`, with a size of 1 by default.
 * @param option the name for messages, e.g. `--uidmap`
 */
export function parseIdMapRequest(text: string, option: string): IdMapRequest {
  const [, flags = '', containerId, at, from, size] = REQUEST.exec(text) ?? []
  const request: IdMapRequest = {
    containerId: Number(containerId),
    from: { space: at === '@' ? 'host' : 'intermediate', id: Number(from) },
    size: Number(size ?? 1),
    extends: flags.includes('+'),
    kinds: kindsOf(flags),
  }
  if (containerId === undefined || !isValid(request)) {
    throw new BryoError('USAGE', `invalid ${option} "${text}", expected CONTAINER_ID:FROM_ID:SIZE`, {
      hint: 'FROM_ID 0 is you, 1 and up are your subordinate ids; @ID names an id of the host',
    })
  }
  return request
}

function kindsOf(flags: string): readonly ('uid' | 'gid')[] {
  const kinds = (['uid', 'gid'] as const).filter((kind) => flags.includes(kind.charAt(0)))
  return kinds.length === 0 ? ['uid', 'gid'] : kinds
}

function isValid({ containerId, from, size }: IdMapRequest): boolean {
  return size > 0 && isId(containerId + size - 1) && isId(from.id + size - 1)
}
