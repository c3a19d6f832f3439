import { readdirSync, readFileSync } from 'node:fs'
import type { Subjects } from './cases.ts'
import type { Case } from './measure.ts'

const IMAGE = 'localhost/busybox'
const NO_NETWORK = ['--network', 'none']
const SLEEP = [IMAGE, 'sleep', '100000']
const LOG_MEGABYTES = 100

/** How a tool is called, by its name. */
type Programs = Readonly<Record<string, readonly string[]>>

function programsOf({ host, podman }: Subjects): Programs {
  return { bryo: [host.bryo], ...(podman && { podman }) }
}

interface Step {
  readonly args: readonly string[]
  readonly before?: readonly (readonly string[])[]
}

/** The life of a container: what a daemon would do. They leave containers behind, for the caller to remove. */
export function planLifeCases(subjects: Subjects): readonly Case[] {
  const { host, quick } = subjects
  const programs = programsOf(subjects)
  const rounds = quick ? 5 : 25
  const each = ({ args, before = [] }: Step): Case['tools'] =>
    Object.fromEntries(
      Object.entries(programs).map(([tool, program]) => [
        tool,
        {
          run: () => void host.mustRun([...program, ...args]),
          prepare: () => {
            for (const command of before) host.run([...program, ...command])
          },
        },
      ]),
    )
  const gone = ['rm', '--force', '--time', '0', 'subject']
  const running = ['run', '--detach', '--name', 'subject', ...NO_NETWORK, ...SLEEP]
  for (const program of Object.values(programs)) {
    host.mustRun([...program, 'run', '--detach', '--name', 'target', ...NO_NETWORK, ...SLEEP])
  }
  return [
    { name: 'run --detach', tools: each({ args: running, before: [gone] }), goal: 1 / 3, rounds },
    { name: 'exec', tools: each({ args: ['exec', 'target', 'true'] }), goal: 1 / 7, rounds },
    {
      name: 'stop',
      tools: each({ args: ['stop', '--time', '0', 'subject'], before: [gone, running] }),
      rounds,
    },
    {
      name: 'rm',
      tools: each({ args: ['rm', 'subject'], before: [gone, ['create', '--name', 'subject', ...SLEEP]] }),
      rounds,
    },
  ]
}

/** `ps --all` with ever more containers that rest. @param counts rising */
export function* planListCases(subjects: Subjects, counts: readonly number[]): Generator<Case> {
  const { host, quick } = subjects
  const programs = Object.entries(programsOf(subjects))
  let made = 0
  for (const count of counts) {
    for (; made < count; made++) {
      for (const [, program] of programs) host.mustRun([...program, 'create', '--name', `c${made}`, ...SLEEP])
    }
    const tools = Object.fromEntries(
      programs.map(([tool, program]) => [
        tool,
        { run: () => void host.mustRun([...program, 'ps', '--all']) },
      ]),
    )
    yield { name: `ps --all, ${count} containers more`, tools, goal: 1 / 2, rounds: quick ? 5 : 15 }
  }
}

/** Reading a long log. */
export function planLogCase(subjects: Subjects): Case {
  const { host, quick } = subjects
  const megabytes = quick ? LOG_MEGABYTES / 10 : LOG_MEGABYTES
  const programs = Object.entries(programsOf(subjects))
  const script = `yes "a line of a log of some sixty bytes, as programs write them." | head -c ${megabytes}000000`
  for (const [, program] of programs) {
    host.mustRun([
      ...program,
      'run',
      '--detach',
      '--name',
      'writer',
      ...NO_NETWORK,
      IMAGE,
      'sh',
      '-c',
      script,
    ])
    host.mustRun([...program, 'wait', 'writer'])
  }
  const tools = Object.fromEntries(
    programs.map(([tool, program]) => [
      tool,
      { run: () => void host.mustRun(['sh', '-c', '"$@" > /dev/null', 'sh', ...program, 'logs', 'writer']) },
    ]),
  )
  return { name: `logs of ${megabytes} MB`, tools, rounds: quick ? 3 : 5 }
}

const MEMORY_CONTAINERS = 10

/** Private memory of what a detached container with a network needs beside its workload, in MB, by tool. */
export function measureMemory(subjects: Subjects): Readonly<Record<string, number>> {
  const { host } = subjects
  return Object.fromEntries(
    Object.entries(programsOf(subjects)).map(([tool, program]) => {
      const before = new Set(helpers().map(({ pid }) => pid))
      for (let index = 0; index < MEMORY_CONTAINERS; index++) {
        host.mustRun([...program, 'run', '--detach', '--name', `m${index}`, ...SLEEP])
      }
      const own = helpers().filter(({ pid }) => !before.has(pid))
      const kilobytes = own.reduce((sum, { pid }) => sum + privateKilobytes(pid), 0)
      return [tool, kilobytes / 1024 / MEMORY_CONTAINERS]
    }),
  )
}

const HELPER = /^(?:bryo-monitor|\/?\S*conmon|\/?\S*slirp4netns)\0/

function helpers(): readonly { readonly pid: string }[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && HELPER.test(readProc(pid, 'cmdline')))
    .map((pid) => ({ pid }))
}

function privateKilobytes(pid: string): number {
  return [...readProc(pid, 'smaps_rollup').matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm)]
    .map(([, amount]) => Number(amount))
    .reduce((sum, amount) => sum + amount, 0)
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Gone, or somebody else's.
    return ''
  }
}
