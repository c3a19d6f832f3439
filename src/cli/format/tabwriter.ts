const MIN_WIDTH = 10
const PADDING = 3

/**
 * Aligns cells that are ended by tabs: a column is a run of lines which all have that cell, at least 10 wide
 * and 3 wider than its longest text. What follows the last tab of a line is not padded.
 */
export function alignTabs(text: string): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const widths: number[][] = lines.map(() => [])
  alignBlock(lines, widths, 0, lines.length, 0)
  return lines.map((cells, row) => joinCells(cells, widths[row] ?? [])).join('\n')
}

/** Aligns rows of cells; the first row is the header. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((cells) => cells.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')).join('\t'))
  return clean.length === 0 ? '' : `${alignTabs(clean.join('\n'))}\n`
}

function joinCells(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => {
    return column === cells.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - textWidth(cell))
  })
  return padded.join('')
}

/** Sets the width of one column for each run of lines that have it, then of the columns right of it. */
function alignBlock(
  lines: readonly (readonly string[])[],
  widths: readonly number[][],
  from: number,
  to: number,
  column: number,
): void {
  let row = from
  while (row < to) {
    if (!hasColumn(lines, row, column)) {
      row += 1
      continue
    }
    let end = row
    let width = MIN_WIDTH
    for (; end < to && hasColumn(lines, end, column); end++) {
      width = Math.max(width, textWidth(lines[end]?.[column] ?? '') + PADDING)
    }
    for (let line = row; line < end; line++) widths[line]?.push(width)
    alignBlock(lines, widths, row, end, column + 1)
    row = end
  }
}

function hasColumn(lines: readonly (readonly string[])[], row: number, column: number): boolean {
  return column < (lines[row]?.length ?? 0) - 1
}

function textWidth(text: string): number {
  // Every character counts as one, as in the tools whose tables these are.
  return /^[\u0020-\u007e]*$/.test(text) ? text.length : [...text].length
}
