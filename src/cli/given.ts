/** `{ [key]: value }`, or nothing where the flag was not given. */
export function given<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  // The key is the one that the type names.
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: T })
}
