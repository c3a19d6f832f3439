const CONTROL = /^ctrl-([a-z@[\\\]^_])$/i

/**
 * The bytes of `ctrl-p,ctrl-q`: single characters and `ctrl-` with a letter or one of `@[\]^_`, separated by
 * commas. An empty text switches detaching off.
 */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array()
  return Uint8Array.from(text.split(','), keyByte)
}

function keyByte(key: string): number {
  const control = CONTROL.exec(key)?.[1]
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f
  const code = key.length === 1 ? key.charCodeAt(0) : -1
  if (code < 0x20 || code > 0x7e) {
    throw new Error(`unknown key "${key}", expected single characters or ctrl-LETTER, separated by commas`)
  }
  return code
}
