// Prints what the machine's tests have told, and ends with 1 where one failed or is missing.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [directory = '.'] = process.argv.slice(2)
const USERS = ['linger', 'guest', 'plain']
let [passed, failed, skipped] = [0, 0, 0]

for (const user of USERS) {
  const path = join(directory, `${user}.jsonl`)
  const results = existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : []
  console.log(`== as ${user}`)
  for (const { name, outcome, seconds, detail } of results) {
    if (outcome === 'passed') passed++
    if (outcome === 'failed') failed++
    if (outcome === 'skipped') skipped++
    if (outcome === 'end') continue
    const mark = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' }[outcome]
    console.log(
      `  ${mark} ${name} (${seconds.toFixed(1)} s)${detail ? `\n    ${detail.replaceAll('\n', '\n    ')}` : ''}`,
    )
  }
  if (results.some(({ outcome }) => outcome === 'end')) continue
  failed++
  console.log('  FAILED: the tests did not come to their end')
  const log = join(directory, `${user}.log`)
  if (existsSync(log)) console.log(readFileSync(log, 'utf8').slice(-2000))
}

console.log(`vm: ${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0
