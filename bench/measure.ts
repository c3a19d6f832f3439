/** One thing to measure by several tools; those that are absent are left out. */
export interface Case {
  readonly name: string
  /** By tool. Each runs once a round, in turn, so that noise meets all alike. */
  readonly tools: Readonly<Record<string, Action>>
  /** The longest time that is wanted, as a part of podman's. */
  readonly goal?: number
  readonly rounds: number
}

export interface Action {
  readonly run: () => void
  /** Before each measurement, not counted. */
  readonly prepare?: () => void
}

export interface Measured {
  readonly name: string
  /** Median in milliseconds by tool. */
  readonly medians: Readonly<Record<string, number>>
  /** Median over the rounds of bryo's time as a part of podman's. */
  readonly ratio: number | undefined
  readonly goal: number | undefined
}

/** Runs every tool in every round, after one round that is not counted. */
export function measure({ name, tools, goal, rounds }: Case): Measured {
  const times = new Map(Object.keys(tools).map((tool) => [tool, [] as number[]]))
  for (let round = -1; round < rounds; round++) {
    for (const [tool, action] of Object.entries(tools)) {
      action.prepare?.()
      const started = process.hrtime.bigint()
      action.run()
      const milliseconds = Number(process.hrtime.bigint() - started) / 1e6
      if (round >= 0) times.get(tool)?.push(milliseconds)
    }
  }
  const [ours, theirs] = [times.get('bryo') ?? [], times.get('podman')]
  const ratios = theirs?.map((time, round) => (ours[round] ?? Number.NaN) / time)
  return {
    name,
    medians: Object.fromEntries([...times].map(([tool, list]) => [tool, median(list)])),
    ratio: ratios && median(ratios),
    goal,
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)],
    sorted[middle],
  ]
  return (low + high) / 2
}
