import { printNumber, printValue, typeName } from './value.ts'

const VERB = /%([-+ 0#]*)(\d+)?(?:\.(\d+))?(.)/gsu
/** Wider than any column, and narrow enough to keep a template from filling the memory. */
const MAX_WIDTH = 4096

/** Go's fmt.Sprintf for the verbs v s q d x X o b c t f e g and %%; a mistake is shown in the output, as Go does. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0
  const text = format.replace(VERB, (_, flags: string, width?: string, precision?: string, verb?: string) => {
    if (verb === '%') return '%'
    if (next >= args.length) return `%!${verb}(MISSING)`
    const shown = formatVerb(verb ?? 'v', args[next++], flags, limit(precision))
    return padField(shown, limit(width) ?? 0, flags)
  })
  if (next >= args.length) return text
  const extra = args.slice(next).map((arg) => `${typeName(arg)}=${printValue(arg)}`)
  return `${text}%!(EXTRA ${extra.join(', ')})`
}

function limit(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Math.min(Number(digits), MAX_WIDTH)
}

function padField(text: string, width: number, flags: string): string {
  const missing = width - [...text].length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  if (!flags.includes('0') || !/^[+-]?[\da-fA-F]/.test(text)) return ' '.repeat(missing) + text
  const sign = /^[+-]/.test(text) ? text.slice(0, 1) : ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

function formatVerb(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  switch (verb) {
    case 'v':
      return printValue(value)
    case 's':
      if (typeof value === 'number' || typeof value === 'boolean') break
      return [...printValue(value)].slice(0, precision).join('')
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : printValue(value)
    case 't':
      if (typeof value !== 'boolean') break
      return String(value)
    case 'T':
      return typeName(value)
    default:
      return formatNumber(verb, value, flags, precision)
  }
  return `%!${verb}(${typeName(value)}=${printValue(value)})`
}

const RADIX: Readonly<Record<string, number>> = { d: 10, x: 16, X: 16, o: 8, b: 2 }

function formatNumber(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  const wrong = `%!${verb}(${typeName(value)}=${printValue(value)})`
  const radix = RADIX[verb]
  if (typeof value === 'string' && radix === 16) {
    const hex = Buffer.from(value).toString('hex')
    return verb === 'X' ? hex.toUpperCase() : hex
  }
  if (typeof value !== 'number') return wrong
  const sign = value >= 0 && flags.includes('+') ? '+' : ''
  if (radix !== undefined) {
    if (!Number.isInteger(value)) return wrong
    const digits = value.toString(radix)
    return sign + (verb === 'X' ? digits.toUpperCase() : digits)
  }
  const digits = Math.min(precision ?? 6, 100)
  if (verb === 'f' || verb === 'F') return sign + value.toFixed(digits)
  if (verb === 'e') return sign + value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2')
  if (verb === 'g')
    return (
      sign + printNumber(precision === undefined ? value : Number(value.toPrecision(Math.max(1, digits))))
    )
  if (verb === 'c') return value >= 0 && value <= 0x10ffff ? String.fromCodePoint(value) : '\ufffd'
  return wrong
}
