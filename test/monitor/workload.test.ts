import { describe, expect, it } from 'vitest'
import type { Reactor } from '../../src/monitor/reactor.ts'
import { superviseWorkload, type WorkloadRequest } from '../../src/monitor/workload.ts'

/** Notes what is asked of it. */
function openSupervision(request: Partial<WorkloadRequest>) {
  const timers = new Set<number>()
  const reactor: Reactor = {
    watch: () => ({ events: 0, remove: () => {} }),
    after: (delayMs) => {
      timers.add(delayMs)
      return () => timers.delete(delayMs)
    },
    run: () => {},
    stop: () => {},
  }
  let starts = 0
  const onStart = () => {
    starts += 1
  }
  const workload = superviseWorkload(
    reactor,
    { initPid: 0, timeoutMs: 5, stop: { signal: 15 }, onStart, ...request },
    { onEnd: () => {} },
  )
  return { workload, timers, starts: () => starts }
}

describe('superviseWorkload()', () => {
  it('begins at once where nothing is held', () => {
    const { workload, timers, starts } = openSupervision({})
    expect([starts(), [...timers]]).toEqual([1, [5]])
    expect(workload.start()).toBe(true)
    expect(starts()).toBe(1)
    workload.end()
    expect([...timers]).toEqual([])
  })

  it('begins what is held with its release, once', () => {
    let releases = 0
    const release = () => {
      releases += 1
      return true
    }
    const { workload, timers, starts } = openSupervision({ release })
    expect([starts(), [...timers]]).toEqual([0, []])
    expect([workload.start(), workload.start()]).toEqual([true, true])
    expect([starts(), [...timers], releases]).toEqual([1, [5], 1])
  })

  it('does not begin what could not be released, nor what has ended', () => {
    const failing = openSupervision({ release: () => false })
    expect([failing.workload.start(), failing.workload.start(), failing.starts()]).toEqual([false, false, 0])
    const ended = openSupervision({ release: () => true })
    ended.workload.end()
    expect([ended.workload.start(), ended.starts()]).toEqual([false, 0])
  })
})
