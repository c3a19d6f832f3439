import type { Flag, FlagTable } from './flag.ts'

/** `-e, --env stringArray   Set an environment variable`, sorted by name. */
export function flagLines(flags: FlagTable): readonly string[] {
  const rows = Object.entries(flags)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => ({ left: flagUsage(name, flag), right: flagHelp(flag) }))
  const width = Math.max(...rows.map(({ left }) => left.length))
  return rows.map(({ left, right }) => `${left.padEnd(width)}   ${right}`)
}

function flagUsage(name: string, flag: Flag<unknown>): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `
  return `${short}--${name}${flag.placeholder === undefined ? '' : ` ${flag.placeholder}`}`
}

function flagHelp(flag: Flag<unknown>): string {
  return flag.defaultText === undefined ? flag.help : `${flag.help} (default ${flag.defaultText})`
}
