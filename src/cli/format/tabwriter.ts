/** How wide columns are: at least `minWidth`, and wider than the longest text by `padding`. */
export interface TableStyle {
  readonly minWidth: number
  readonly padding: number
}

export const PODMAN_TABLE: TableStyle = { minWidth: 12, padding: 2 }
export const DOCKER_TABLE: TableStyle = { minWidth: 10, padding: 3 }

/**
 * Aligns cells that are ended by tabs: a column is a run of lines which all have that cell. What follows the last tab of
 * a line is not padded.
 */
export function alignTabs(text: string, style = PODMAN_TABLE): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const widths: number[][] = lines.map(() => [])
  alignBlock({ lines, widths, style }, 0, lines.length, 0)
  return lines.map((cells, row) => joinCells(cells, widths[row] ?? [])).join('\n')
}

/** Aligns rows of cells; the first row is the header. */
export function formatTable(rows: readonly (readonly string[])[], style = PODMAN_TABLE): string {
  const clean = rows.map((cells) => cells.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')).join('\t'))
  return clean.length === 0 ? '' : `${alignTabs(clean.join('\n'), style)}\n`
}

function joinCells(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => {
    return column === cells.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - textWidth(cell))
  })
  return padded.join('')
}

interface Block {
  readonly lines: readonly (readonly string[])[]
  readonly widths: readonly number[][]
  readonly style: TableStyle
}

/** Sets the width of one column for each run of lines that have it, then of the columns right of it. */
function alignBlock(block: Block, from: number, to: number, column: number): void {
  const { lines, widths, style } = block
  let row = from
  while (row < to) {
    if (!hasColumn(lines, row, column)) {
      row += 1
      continue
    }
    let end = row
    let width = style.minWidth
    for (; end < to && hasColumn(lines, end, column); end++) {
      width = Math.max(width, textWidth(lines[end]?.[column] ?? '') + style.padding)
    }
    for (let line = row; line < end; line++) widths[line]?.push(width)
    alignBlock(block, row, end, column + 1)
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
