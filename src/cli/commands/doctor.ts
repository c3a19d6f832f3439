import type { Finding, FindingState } from '../../engine/doctor/finding.ts'
import { doctorExitCode } from '../../engine/doctor/finding.ts'
import { runDoctor } from '../../engine/doctor/run.ts'
import { probeOverlay } from '../../storage/rootfs/probe.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { choice } from '../flags/kinds.ts'
import { formatJson } from '../format/rows.ts'
import { writeOut } from '../output.ts'
import { wantsColour } from '../terminal.ts'

const STDOUT = 1

export const command = defineCommand({
  usage: '[options]',
  description: [
    'Examines this host: what containers need and what it lacks, with the remedy for each finding.',
    'The exit code is 1 where something keeps containers from running, else 0.',
  ].join('\n'),
  examples: ['doctor', 'doctor --format json | jq \'.[] | select(.state == "error")\''],
  flags: { format: choice(['table', 'json'], { help: 'Print as table or json', defaultText: '"table"' }) },
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const engine = engineOf(context)
    const { uid, gid, env } = context.facts
    const findings = runDoctor({
      uid,
      gid,
      env,
      dataRoot: engine.store.dataRoot,
      program: process.execPath,
      probeOverlay: () => probeOverlay(engine.store, engine.runInUserns),
    })
    if (flags.format === 'json') {
      writeOut(formatJson(findings))
    } else {
      const paint = (await wantsColour(STDOUT, env)) ? await painter() : (text: string) => text
      writeOut(findingsText(findings, paint))
    }
    return doctorExitCode(findings)
  },
})

type Paint = (text: string, state: FindingState) => string

async function painter(): Promise<Paint> {
  const { Chalk } = await import('chalk')
  const chalk = new Chalk({ level: 1 })
  const colours = { ok: chalk.green, warning: chalk.yellow, error: chalk.red, skipped: chalk.dim }
  return (text, state) => colours[state](text)
}

const STATE_WIDTH = 'skipped'.length

/** `ok       user namespaces   works`, and the remedy indented below what is not fine. */
function findingsText(findings: readonly Finding[], paint: Paint): string {
  const width = Math.max(0, ...findings.map(({ title }) => title.length))
  const indent = ' '.repeat(STATE_WIDTH + 2)
  const lines = findings.flatMap(({ title, state, detail, fix }) => {
    const head = `${paint(state.padEnd(STATE_WIDTH), state)}  ${title.padEnd(width)}  ${detail}`
    const remedy = fix === undefined ? [] : fix.split('\n').map((line) => `${indent}${line}`)
    return [head, ...remedy]
  })
  const counts = (['error', 'warning'] as const).map((state) => {
    const count = findings.filter((finding) => finding.state === state).length
    return `${count} ${state}${count === 1 ? '' : 's'}`
  })
  return `${[...lines, '', counts.join(', ')].join('\n')}\n`
}
