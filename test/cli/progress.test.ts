import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/base/digest.ts'
import { createProgress } from '../../src/cli/progress.ts'

const A = parseDigest(`sha256:${'a'.repeat(64)}`)
const B = parseDigest(`sha256:${'b'.repeat(64)}`)
const LAYERS = { kind: 'layers', layers: [A, B].map((digest) => ({ digest, size: 1000 })) } as const

function view(terminal: { readonly rows: number; readonly columns: number } | undefined) {
  const written: string[] = []
  const clock = { now: 0 }
  const progress = createProgress({
    write: (text) => written.push(text),
    terminal,
    now: () => clock.now,
    announce: 'Trying to pull',
  })
  return { written, clock, ...progress }
}

describe('createProgress()', () => {
  it('prints a line for each layer that is done, where nobody watches', () => {
    const { written, onProgress, close } = view(undefined)
    onProgress({ kind: 'started', reference: 'docker.io/library/alpine:latest' })
    onProgress(LAYERS)
    onProgress({ kind: 'layer-progress', digest: A, bytes: 500, total: 1000 })
    onProgress({ kind: 'layer-done', digest: A, reused: false })
    onProgress({ kind: 'layer-done', digest: A, reused: false })
    onProgress({ kind: 'layer-done', digest: B, reused: true })
    close()
    expect(written).toEqual([
      'Trying to pull docker.io/library/alpine:latest...\n',
      'Layer aaaaaaaaaaaa done, 1kB\n',
      'Layer bbbbbbbbbbbb already here\n',
    ])
  })

  it('draws a bar for each layer over the one before, not more often than eyes can follow', () => {
    const { written, clock, onProgress, close } = view({ rows: 24, columns: 80 })
    clock.now = 1000
    onProgress(LAYERS)
    onProgress({ kind: 'layer-progress', digest: A, bytes: 250, total: 1000 })
    clock.now = 2000
    onProgress({ kind: 'layer-progress', digest: A, bytes: 500, total: 1000 })
    close()
    expect(written).toHaveLength(3)
    expect(written[0]).toBe(
      '\rLayer aaaaaaaaaaaa waiting\u001b[K\nLayer bbbbbbbbbbbb waiting\u001b[K\n\u001b[J',
    )
    expect(written[1]).toMatch(
      /^\u001b\[2A\rLayer aaaaaaaaaaaa \[============> {11}\] 500B \/ 1kB\u001b\[K\n/,
    )
  })

  it('draws no more lines than the window has, and cuts what would wrap', () => {
    const { written, onProgress } = view({ rows: 3, columns: 21 })
    onProgress(LAYERS)
    onProgress({ kind: 'layer-done', digest: A, reused: true })
    expect(written).toEqual(['\r... 2 more\u001b[K\n\u001b[J'])
  })

  it('leaves a finished image on the screen when the next one starts', () => {
    const { written, onProgress } = view({ rows: 24, columns: 80 })
    onProgress(LAYERS)
    onProgress({ kind: 'layer-done', digest: B, reused: true })
    onProgress({ kind: 'started', reference: 'x' })
    expect(written.at(-1)).toBe('Trying to pull x...\n')
    onProgress(LAYERS)
    onProgress({ kind: 'layer-done', digest: A, reused: true })
    expect(written.at(-1)).toMatch(/^\rLayer/)
  })

  it('does not stumble over a layer that was not announced', () => {
    const { written, onProgress, close } = view(undefined)
    onProgress({ kind: 'layer-progress', digest: A, bytes: 1, total: 2 })
    onProgress({ kind: 'layer-done', digest: A, reused: false })
    close()
    expect(written).toEqual([])
  })
})
