/**
 * - `on`: as by default, or stricter
 * - `loosened`: weaker, because an option said so
 * - `missing`: weaker, and nobody asked for it
 * - `unavailable`: this host has no such thing
 */
export type LayerState = 'on' | 'loosened' | 'missing' | 'unavailable'

/** One layer between a container and its host. */
export interface Layer {
  readonly name: string
  readonly state: LayerState
  /** What was found. */
  readonly detail: string
  /** The options that loosen it, as the user wrote them. */
  readonly by: readonly string[]
}

export interface Judgement {
  readonly holds: boolean
  readonly detail: string
  /** Options that may be the cause where it does not hold. */
  readonly by?: readonly string[]
}

/** Whether a layer is on; where it is not, the options that ask for that tell why. */
export function judge(name: string, { holds, detail, by = [] }: Judgement): Layer {
  if (holds) return { name, state: 'on', detail, by: [] }
  return { name, state: by.length > 0 ? 'loosened' : 'missing', detail, by }
}

/** 0, or 1 where a layer is missing that nobody has asked to be. */
export function securityExitCode(layers: readonly Layer[]): number {
  return layers.some(({ state }) => state === 'missing') ? 1 : 0
}

const MAX_LISTED = 5

/** `a, b and 3 more`. */
export function listed(words: readonly string[]): string {
  const more = words.length - MAX_LISTED
  return more > 0 ? `${words.slice(0, MAX_LISTED).join(', ')} and ${more} more` : words.join(', ')
}
