/** What a shell may offer for a value or an argument. */
export type Completion =
  | { readonly kind: 'none' }
  | { readonly kind: 'files' }
  | { readonly kind: 'directories' }
  | { readonly kind: 'values'; readonly values: readonly string[] }
  | { readonly kind: 'names'; readonly of: readonly NamedObject[] }
  /** Words, or a namespace that exists already: of a container, or at a path. */
  | { readonly kind: 'modes'; readonly words: readonly string[] }

/** Objects of the store that have names. */
export type NamedObject = 'containers' | 'images' | 'volumes' | 'secrets'

/**
 * One option of a command. Parsing, `--help`, completion and the check of the man pages are derived from it,
 * and `T` is what the command's handler sees.
 */
export interface Flag<T> {
  /** The word that `--help` shows for the value; undefined for a switch, which takes one only as `--flag=false`. */
  readonly placeholder: string | undefined
  /** The value where the flag is not given. */
  readonly initial: T
  /** One letter, without the dash. */
  readonly short: string | undefined
  /** One line, no full stop. */
  readonly help: string
  /** Shown by `--help` as `(default ...)`. */
  readonly defaultText: string | undefined
  readonly completion: Completion
  /** `--help` and completion leave it out: it cannot be used here. */
  readonly hidden?: boolean
  /**
   * Adds one occurrence to the value so far.
   * @throws an Error whose message says what was expected, e.g. `expected an integer`
   */
  accept(text: string, soFar: T): T
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S

/** `{ 'add-host': Flag<readonly string[]> }` becomes `{ readonly addHost: readonly string[] }`. */
export type FlagValues<F extends FlagTable> = {
  readonly [K in keyof F & string as CamelCase<K>]: F[K] extends Flag<infer T> ? T : never
}

/** `addHost` for `add-host`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
