import type { JoinText } from '../../engine/container/request.ts'

/** One of the words, or what can be joined: `container:NAME` and `ns:PATH`. @throws Error that says what was expected */
export function parseNamespaceMode<const W extends string>(text: string, words: readonly W[]): W | JoinText {
  const word = words.find((one) => one === text)
  if (word !== undefined) return word
  const [, kind, rest = ''] = /^(container|ns):(.*)$/s.exec(text) ?? []
  if (kind === 'container' && rest !== '') return `container:${rest}`
  if (kind === 'ns' && rest.startsWith('/')) return `ns:${rest}`
  throw new Error(`expected ${words.join(', ')}, container:NAME or ns: and an absolute path`)
}
