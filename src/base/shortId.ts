/** As an id is shown to people: the first 12 hex digits, of a digest those behind `sha256:`. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
