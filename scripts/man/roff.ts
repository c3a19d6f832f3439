/** Text for man(7) macros, from the small part of Markdown in which the pages' prose is written. */

/** Escapes text: a backslash, a minus that is typed as such, and what would be a macro at the start of a line. */
export function escapeText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('`', '\\(ga')
    .replace(/^[.']/, '\\&$&')
}

/** `code` becomes bold, *word* italic, [text](target) its text. */
export function inline(text: string): string {
  return text
    .split(/(`[^`]+`|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]+\))/)
    .map((part, index) => (index % 2 === 0 ? escapeText(part) : markup(part)))
    .join('')
    .replace(/^[.']/, '\\&$&')
}

function markup(part: string): string {
  if (part.startsWith('`')) return `\\fB${escapeText(part.slice(1, -1))}\\fR`
  if (part.startsWith('*')) return `\\fI${escapeText(part.slice(1, -1))}\\fR`
  return escapeText(part.slice(1, part.indexOf('](')))
}

/** Lines of an example, kept as they are. */
export function example(lines: readonly string[]): readonly string[] {
  return ['.RS 4', '.EX', ...lines.map(escapeText), '.EE', '.RE']
}

type Block =
  | { readonly kind: 'paragraph' | 'example' | 'bullet'; readonly lines: readonly string[] }
  | { readonly kind: 'definition'; readonly term: string; readonly lines: readonly string[] }

/** Blocks are separated by empty lines; an indented one is an example. */
function splitBlocks(markdown: string): readonly Block[] {
  return markdown
    .replace(/^\n+|\s+$/g, '')
    .split(/\n{2,}(?! {4})/)
    .filter((text) => text.trim() !== '')
    .flatMap(parseBlock)
}

function parseBlock(text: string): readonly Block[] {
  const lines = text.split('\n')
  const [first = '', second = ''] = lines
  if (first.startsWith('    ')) return [{ kind: 'example', lines: lines.map((line) => line.slice(4)) }]
  if (first.startsWith('- ')) {
    return text.split(/\n(?=- )/).map((item) => ({ kind: 'bullet', lines: item.slice(2).split('\n') }))
  }
  if (second.startsWith(': ')) {
    return [{ kind: 'definition', term: first, lines: [second.slice(2), ...lines.slice(2)] }]
  }
  // An example may follow its paragraph after one empty line, which the split above has kept.
  const at = lines.indexOf('')
  if (at === -1) return [{ kind: 'paragraph', lines }]
  return [{ kind: 'paragraph', lines: lines.slice(0, at) }, ...parseBlock(lines.slice(at + 1).join('\n'))]
}

/**
 * The prose of a section. Blocks are paragraphs, examples (indented by four), `- ` bullets and definitions (a line with the term,
 * then `: ` and the text).
 * @param paragraph the macro that begins a paragraph: `.IP` keeps the indentation of an option
 */
export function prose(markdown: string, paragraph: '.PP' | '.IP' = '.PP'): readonly string[] {
  const lines = splitBlocks(markdown).flatMap((block) => blockLines(block, paragraph))
  return paragraph === '.IP' && lines.some((line) => line === '.TP') ? nested(lines) : lines
}

/** Definitions below an option stand further in. */
function nested(lines: readonly string[]): readonly string[] {
  return ['.RS', ...lines.map((line) => (line === '.IP' ? '.PP' : line)), '.RE']
}

function blockLines(block: Block, paragraph: string): readonly string[] {
  const text = block.lines.map((line) => inline(line.trim()))
  switch (block.kind) {
    case 'paragraph':
      return [paragraph, ...text]
    case 'bullet':
      return ['.IP \\(bu 2', ...text]
    case 'definition':
      return ['.TP', inline(block.term), ...text]
    case 'example':
      return [...(paragraph === '.IP' ? ['.IP'] : ['.PP']), ...example(block.lines)]
  }
}
