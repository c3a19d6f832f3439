// Prints what the machine's tests have told, and ends with 1 where one failed or is missing.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [directory = '.'] = process.argv.slice(2)
const words = process.argv.slice(3)
// The suite alone needs no other tests.
const USERS = words.length > 0 && words.every((word) => word === 'e2e') ? [] : ['linger', 'guest', 'plain']
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

const suite = join(directory, 'e2e.json')
if (process.argv.includes('e2e')) {
  console.log('== the ordinary suite, as linger')
  const report = existsSync(suite) ? JSON.parse(readFileSync(suite, 'utf8')) : undefined
  passed += report?.numPassedTests ?? 0
  failed += report?.numFailedTests ?? 1
  skipped += report?.numPendingTests ?? 0
  for (const { name, message, assertionResults } of report?.testResults ?? []) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed')
        console.log(`  FAILED ${fullName}\n    ${failureMessages.join('\n').slice(0, 1500)}`)
    }
    if (assertionResults.length > 0) continue
    failed++
    console.log(`  FAILED ${name}: ${message}`)
  }
  if (!report) console.log('  FAILED: it did not come to its end')
}

console.log(`vm: ${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0
