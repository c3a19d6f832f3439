import { familiarName, parseReference } from '../../image/reference.ts'

/**
 * Whether a full name is meant by what a user writes: the whole name, its short form, its end after a `/`, with or without
 * the tag; `*` and `?` stand for any characters but `/`.
 */
export function matchesReference(pattern: string, name: string): boolean {
  const expression = new RegExp(`^${[...pattern].map(translate).join('')}$`)
  return formsOf(name).some((form) => expression.test(form))
}

function translate(character: string): string {
  if (character === '*') return '[^/]*'
  if (character === '?') return '[^/]'
  return character.replace(/[.+^${}()|[\]\\]/, '\\$&')
}

function formsOf(name: string): readonly string[] {
  const whole = [name, familiarName(parseReference(name))]
  const parts = name.split('/')
  const ends = parts.map((_, index) => parts.slice(index).join('/'))
  const tagged = [...whole, ...ends]
  return [...tagged, ...tagged.map((form) => form.replace(/:[^:/]*$/, ''))]
}
