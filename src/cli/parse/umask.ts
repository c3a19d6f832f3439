/** Permission bits of an octal text of up to four digits. */
export function parseUmask(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new Error('expected an octal number of up to four digits')
  return Number.parseInt(text, 8)
}
