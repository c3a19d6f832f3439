import type { Digest } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Store } from '../../storage/store.ts'

export type ImageAction =
  | 'bootstrap'
  | 'import'
  | 'loadfromarchive'
  | 'mount'
  | 'pull'
  | 'push'
  | 'remove'
  | 'save'
  | 'tag'
  | 'unmount'
  | 'untag'

/** Notes what has happened to an image. @param name the one that it was done by; the id where it has none */
export function noteImage(
  store: Store,
  action: ImageAction,
  { id, name }: { readonly id: Digest; readonly name: string | undefined },
): void {
  const hex = digestHex(id)
  appendEvent(store, { type: 'image', action, id: hex, name: name ?? hex })
}
