const STREAMS = ['stdin', 'stdout', 'stderr'] as const
export type Stream = (typeof STREAMS)[number]

/** A stream of `--attach`. @throws Error */
export function parseStream(text: string): Stream {
  const found = STREAMS.find((stream) => stream === text.toLowerCase())
  if (found) return found
  throw new Error(`invalid stream "${text}", expected stdin, stdout or stderr`)
}
