/** So many at a time for each key; the others wait in the order in which they came. */
export interface Slots {
  /** @returns gives the slot back; a further call does nothing */
  readonly take: (key: string) => Promise<() => void>
}

export function createSlots(limit: number): Slots {
  const used = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()
  const releaseOnce = (key: string) => {
    let held = true
    return () => {
      if (!held) return
      held = false
      const next = waiting.get(key)?.shift()
      if (next) next()
      else used.set(key, (used.get(key) ?? 1) - 1)
    }
  }
  const take: Slots['take'] = async (key) => {
    const count = used.get(key) ?? 0
    if (count < limit) {
      used.set(key, count + 1)
      return releaseOnce(key)
    }
    const queue = waiting.get(key) ?? []
    waiting.set(key, queue)
    await new Promise<void>((resolve) => queue.push(resolve))
    return releaseOnce(key)
  }
  return { take }
}
