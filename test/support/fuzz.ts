import fc from 'fast-check'
import { BryoError } from '../../src/base/errors.ts'

/** Seconds at most for all runs of one property: what has not been found by then is for another run. */
export const FUZZ = { numRuns: 400, interruptAfterTimeLimit: 4000, markInterruptAsFailure: false } as const

/**
 * What a parser makes of its input; undefined for an error that is meant for the user.
 * @throws whatever else the parser throws
 */
export function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof BryoError) return undefined
    throw error
  }
}

/** As {@link attempt}, for parsers of single options: their plain errors become messages with the option's name. */
export function attemptOption<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof BryoError || (error instanceof Error && error.constructor === Error))
      return undefined
    throw error
  }
}

/** As {@link attempt}, for parsers that answer later. */
export async function attemptAsync<T>(parse: () => Promise<T>): Promise<T | undefined> {
  try {
    return await parse()
  } catch (error) {
    if (error instanceof BryoError) return undefined
    throw error
  }
}

/** Any text: ordinary, with control characters and lone surrogates, and one piece again and again, for slow patterns. */
export function anyText(maxLength = 200): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ maxLength }),
    fc.string({ unit: 'binary', maxLength }),
    fc.string({ unit: 'grapheme', maxLength }),
    fc
      .tuple(fc.string({ minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 20_000 }))
      .map(([piece, count]) => piece.repeat(count)),
  )
}

/** Texts made of a language's own pieces, with something else between them now and then. */
export function textOf(pieces: readonly string[], maxPieces = 30): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\0', '\n', '\r', '\t', '\u00e9', '\ud800', '9'.repeat(30), '../'),
    },
  )
  return fc.oneof(
    fc.array(piece, { maxLength: maxPieces }).map((all) => all.join('')),
    fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5000 }))
      .map(([all, count]) => all.join('').repeat(count).slice(0, 100_000)),
  )
}

/** Values of JSON that look like a document, but for one or several members that are something else. */
export function mutated(document: unknown): fc.Arbitrary<unknown> {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(null, -1, 0, 1.5, 2 ** 53, 1e308, '', '\0', '../x', [], {}, [null], [[]], true),
  )
  return fc
    .array(fc.tuple(fc.nat(1000), value, fc.constantFrom('replace', 'remove', 'repeat')), { maxLength: 3 })
    .map((changes) => changes.reduce((whole, change) => mutateOnce(whole, change), document))
}

type Change = readonly [place: number, value: unknown, how: string]

/** Changes one member somewhere in the document: the one with this number, counted around. */
function mutateOnce(document: unknown, [place, value, how]: Change): unknown {
  const copy: unknown = structuredClone(document)
  const places = placesIn(copy)
  const found = places[place % Math.max(1, places.length)]
  if (!found) return value
  const { parent, key } = found
  if (how === 'remove') Reflect.deleteProperty(parent, key)
  else if (how === 'repeat')
    Reflect.set(
      parent,
      key,
      Array.from({ length: 50 }, () => Reflect.get(parent, key)),
    )
  else Reflect.set(parent, key, value)
  return copy
}

interface Place {
  readonly parent: object
  readonly key: string
}

function placesIn(value: unknown): readonly Place[] {
  if (typeof value !== 'object' || value === null) return []
  const parent: object = value
  return Object.entries(parent).flatMap(([key, child]) => [{ parent, key }, ...placesIn(child)])
}

/** The bytes with some of them changed, and now and then the end cut off or doubled. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(Math.max(0, bytes.length - 1)), fc.integer({ min: 0, max: 255 }))
  return fc
    .tuple(fc.array(change, { maxLength: 12 }), fc.option(fc.nat(bytes.length)), fc.boolean())
    .map(([changes, end, twice]) => {
      const copy = Buffer.from(bytes)
      for (const [at, byte] of changes) copy[at] = byte
      const cut = end === null ? copy : copy.subarray(0, end)
      return twice ? Buffer.concat([cut, cut]) : cut
    })
}
