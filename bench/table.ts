import type { Measured } from './measure.ts'

const TOOLS = ['bryo', 'podman', 'skopeo', 'bubblewrap', 'runtime']

/** All results as a table for people. */
export function formatTable(results: readonly Measured[]): string {
  const tools = TOOLS.filter((tool) => results.some(({ medians }) => medians[tool] !== undefined))
  const heading = ['', ...tools.map((tool) => `${tool} ms`), 'of podman', 'goal', '']
  const rows = results.map(({ name, medians, ratio, goal }) => [
    name,
    ...tools.map((tool) => medians[tool]?.toFixed(1) ?? '-'),
    ratio === undefined ? '-' : `1/${(1 / ratio).toFixed(1)}`,
    goal === undefined ? '-' : `1/${Math.round(1 / goal)}`,
    ratio === undefined || goal === undefined ? '' : ratio <= goal ? 'reached' : 'missed',
  ])
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) => formatRow(row, widths)).join('\n')
}

function formatRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    .join('  ')
    .trimEnd()
}
