const MS_PER_DAY = 86_400_000
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

/** RFC 3339, or a time as Go prints it. */
const TIME =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(Z|[+-]\d\d:?\d\d)(?: (?:[A-Z]{1,5}|[+-]\d{4}))?$/

interface Moment {
  /** Of its own zone, as if that were UTC. */
  readonly local: Date
  readonly unix: number
  readonly nanosecond: number
  readonly offsetMinutes: number
}

function parseTime(text: string): Moment | undefined {
  const [, date, time, fraction = '', zone = 'Z'] = TIME.exec(text) ?? []
  if (date === undefined) return undefined
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? []
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0))
  const local = new Date(`${date}T${time}Z`)
  if (Number.isNaN(local.getTime())) return undefined
  const unix = local.getTime() / 1000 - offsetMinutes * 60
  return { local, unix, nanosecond: Number(fraction.padEnd(9, '0')), offsetMinutes }
}

/**
 * What templates may ask of a time, which Go has as a type of its own: `.Created.Unix`, `.State.StartedAt.Format "2006-01-02"`.
 * @returns undefined for a text that is no time, and for names that a time does not have
 * @see https://pkg.go.dev/time#Time
 */
export function timeField(text: string, name: string): unknown {
  const moment = parseTime(text)
  if (!moment) return undefined
  const { local, unix, nanosecond } = moment
  switch (name) {
    case 'Unix':
      return unix
    case 'UnixMilli':
      return unix * 1000 + Math.floor(nanosecond / 1e6)
    case 'UnixMicro':
      return unix * 1e6 + Math.floor(nanosecond / 1000)
    case 'UnixNano':
      return BigInt(unix) * 1_000_000_000n + BigInt(nanosecond)
    case 'Year':
      return local.getUTCFullYear()
    case 'Month':
      return MONTHS[local.getUTCMonth()]
    case 'Day':
      return local.getUTCDate()
    case 'Weekday':
      return DAYS[local.getUTCDay()]
    case 'YearDay':
      return Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear())) / MS_PER_DAY) + 1
    case 'Hour':
      return local.getUTCHours()
    case 'Minute':
      return local.getUTCMinutes()
    case 'Second':
      return local.getUTCSeconds()
    case 'Nanosecond':
      return nanosecond
    case 'IsZero':
      return text.startsWith('0001-01-01')
    case 'String':
      return formatTime(moment, '2006-01-02 15:04:05.999999999 -0700 MST')
    case 'Format':
      return (layout: unknown) => formatTime(moment, String(layout))
    default:
      return undefined
  }
}

const LAYOUT =
  /2006|January|Jan|Monday|Mon|MST|01|02|03|04|05|06|_2|15|Z07:00|Z0700|-07:00|-0700|-07|PM|pm|[.,](?:0+|9+)(?!\d)|[12345]/g

function formatTime(moment: Moment, layout: string): string {
  return layout.replace(LAYOUT, (word) => layoutWord(moment, word))
}

function layoutWord({ local, nanosecond, offsetMinutes }: Moment, word: string): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const hour = local.getUTCHours()
  const month = MONTHS[local.getUTCMonth()] ?? ''
  const day = DAYS[local.getUTCDay()] ?? ''
  const zone = (colon: string) => {
    const size = Math.abs(offsetMinutes)
    return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`
  }
  const words: Readonly<Record<string, string>> = {
    '2006': String(local.getUTCFullYear()).padStart(4, '0'),
    '06': two(local.getUTCFullYear() % 100),
    January: month,
    Jan: month.slice(0, 3),
    '01': two(local.getUTCMonth() + 1),
    '1': String(local.getUTCMonth() + 1),
    Monday: day,
    Mon: day.slice(0, 3),
    '02': two(local.getUTCDate()),
    _2: String(local.getUTCDate()).padStart(2),
    '2': String(local.getUTCDate()),
    '15': two(hour),
    '03': two(hour % 12 || 12),
    '3': String(hour % 12 || 12),
    '04': two(local.getUTCMinutes()),
    '4': String(local.getUTCMinutes()),
    '05': two(local.getUTCSeconds()),
    '5': String(local.getUTCSeconds()),
    PM: hour < 12 ? 'AM' : 'PM',
    pm: hour < 12 ? 'am' : 'pm',
    MST: offsetMinutes === 0 ? 'UTC' : zone(''),
    'Z07:00': offsetMinutes === 0 ? 'Z' : zone(':'),
    Z0700: offsetMinutes === 0 ? 'Z' : zone(''),
    '-07:00': zone(':'),
    '-0700': zone(''),
    '-07': zone('').slice(0, 3),
  }
  return words[word] ?? fractionOf(nanosecond, word)
}

/** `.000` keeps zeros at the end, `.999` drops them, and itself where nothing is left. */
function fractionOf(nanosecond: number, word: string): string {
  const digits = String(nanosecond)
    .padStart(9, '0')
    .slice(0, word.length - 1)
  const kept = word.endsWith('9') ? digits.replace(/0+$/, '') : digits
  return kept === '' ? '' : `${word[0]}${kept}`
}
