export interface Filtered {
  /** What goes on to the container. */
  readonly pass: Uint8Array
  readonly detached: boolean
}

/**
 * Looks for the detach keys in what is typed. Keys that may begin the sequence are held back until it is clear that they do not; what
 * follows the sequence is dropped.
 * @param keys empty for none
 */
export function createDetachFilter(keys: Uint8Array): (data: Uint8Array) => Filtered {
  let matched = 0
  return (data) => {
    if (keys.byteLength === 0) return { pass: data, detached: false }
    const pass: number[] = []
    for (const byte of data) {
      if (byte === keys[matched]) {
        matched++
        if (matched === keys.byteLength) return { pass: Uint8Array.from(pass), detached: true }
        continue
      }
      pass.push(...keys.subarray(0, matched))
      matched = byte === keys[0] ? 1 : 0
      if (matched === 0) pass.push(byte)
    }
    return { pass: Uint8Array.from(pass), detached: false }
  }
}
