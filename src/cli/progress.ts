import { shortId } from '../base/shortId.ts'
import type { PullProgress } from '../engine/image/progress.ts'
import type { WindowSize } from '../syscall/tty.ts'
import { humanSize } from './format/units.ts'

export interface ProgressOptions {
  readonly write: (text: string) => void
  /** Undefined where nobody watches: then a line is printed for each layer that is done. */
  readonly terminal: WindowSize | undefined
  /** Milliseconds, for the pace of redrawing. */
  readonly now: () => number
  /** `Trying to pull`, where the start is worth a line. */
  readonly announce?: string
}

export interface ProgressView {
  readonly onProgress: (event: PullProgress) => void
  /** Draws the last state; the cursor is below it. */
  readonly close: () => void
}

interface LayerState {
  readonly name: string
  total: number
  bytes: number
  state: 'waiting' | 'running' | 'done' | 'reused'
}

const REDRAW_MS = 80
const BAR_WIDTH = 24

/** Shows how an image comes in: a bar for each layer on a terminal, plain lines elsewhere. */
export function createProgress(options: ProgressOptions): ProgressView {
  const layers = new Map<string, LayerState>()
  const screen = options.terminal && createScreen(options.write, options.terminal)
  let drawn = 0
  const draw = (): void => screen?.draw([...layers.values()].map(layerLine))
  return {
    onProgress: (event) => {
      if (event.kind === 'started') {
        draw()
        screen?.leave()
        layers.clear()
        if (options.announce !== undefined) options.write(`${options.announce} ${event.reference}...\n`)
        return
      }
      const finished = applyEvent(layers, event)
      if (finished && !screen) options.write(`${layerLine(finished)}\n`)
      const now = options.now()
      if (!finished && now - drawn < REDRAW_MS) return
      drawn = now
      draw()
    },
    close: () => {
      draw()
      screen?.leave()
    },
  }
}

/** Gives the layer that has just been finished. */
function applyEvent(
  layers: Map<string, LayerState>,
  event: Exclude<PullProgress, { kind: 'started' }>,
): LayerState | undefined {
  switch (event.kind) {
    case 'layers':
      for (const { digest, size } of event.layers) {
        layers.set(digest, { name: shortId(digest), total: size, bytes: 0, state: 'waiting' })
      }
      return undefined
    case 'layer-progress': {
      const layer = layers.get(event.digest)
      if (!layer) return undefined
      layer.state = 'running'
      layer.bytes = event.bytes
      layer.total = event.total
      return undefined
    }
    case 'layer-done': {
      const layer = layers.get(event.digest)
      if (!layer || layer.state === 'done' || layer.state === 'reused') return undefined
      layer.state = event.reused ? 'reused' : 'done'
      layer.bytes = layer.total
      return layer
    }
  }
}

function layerLine({ name, state, bytes, total }: LayerState): string {
  const head = `Layer ${name}`
  switch (state) {
    case 'waiting':
      return `${head} waiting`
    case 'reused':
      return `${head} already here`
    case 'done':
      return `${head} done, ${humanSize(total)}`
    case 'running': {
      const share = total > 0 ? Math.min(1, bytes / total) : 0
      const filled = Math.floor(share * BAR_WIDTH)
      const bar = `${'='.repeat(filled)}${filled < BAR_WIDTH ? '>' : ''}`.padEnd(BAR_WIDTH)
      return `${head} [${bar}] ${humanSize(bytes)} / ${humanSize(total)}`
    }
  }
}

interface Screen {
  readonly draw: (lines: readonly string[]) => void
  /** What was drawn stays; the next drawing starts below it. */
  readonly leave: () => void
}

/** Draws lines over those drawn before; no line wraps, and no more are drawn than the window has. */
function createScreen(write: (text: string) => void, size: WindowSize): Screen {
  let height = 0
  return {
    draw: (lines) => {
      if (lines.length === 0) return
      const fitting = fitLines(lines, Math.max(1, size.rows - 2), Math.max(20, size.columns - 1))
      // Up to the first line, then each line with the rest of its old text erased.
      const up = height > 0 ? `\u001b[${height}A` : ''
      const below = '\u001b[J'
      write(`${up}\r${fitting.map((line) => `${line}\u001b[K\n`).join('')}${below}`)
      height = fitting.length
    },
    leave: () => {
      height = 0
    },
  }
}

function fitLines(lines: readonly string[], rows: number, columns: number): readonly string[] {
  const cut = lines.map((line) => line.slice(0, columns))
  if (cut.length <= rows) return cut
  return [`... ${cut.length - rows + 1} more`, ...cut.slice(cut.length - rows + 1)]
}
