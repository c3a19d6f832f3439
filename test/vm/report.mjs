// report.mjs DIRECTORY SUMMARY WORD...: prints what the machine's tests have told, and ends with 1 where one failed or is missing.
// The counts go to the file SUMMARY in vitest's form, unless that is empty.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const [directory = '.', summary = '', ...words] = process.argv.slice(2)
const SUITE = ['kernel', 'part', 'e2e', 'files', 'root']
const USERS = words.some((word) => !SUITE.includes(word)) ? ['linger', 'guest', 'plain', 'service'] : []
const SUITES = {
  ...(words.some((word) => SUITE.includes(word)) && { suite: 'linger' }),
  ...(words.includes('root') && { root: 'root' }),
}
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

for (const [suite, user] of Object.entries(SUITES)) {
  console.log(`== the ordinary suite, as ${user}`)
  const path = join(directory, `${suite}.json`)
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
  passed += report?.numPassedTests ?? 0
  failed += report?.numFailedTests ?? 1
  skipped += report?.numPendingTests ?? 0
  let failures = 0
  for (const { name, status, message, startTime, endTime, assertionResults } of report?.testResults ?? []) {
    const seconds = ((endTime - startTime) / 1000).toFixed(0)
    console.log(
      `  ${status} ${relative('/opt/checkout', name)} (${assertionResults.length} tests, ${seconds} s)`,
    )
    const failing = assertionResults.filter((test) => test.status === 'failed')
    failures += failing.length
    for (const { fullName, failureMessages } of failing)
      console.log(`  FAILED ${fullName}\n    ${failureMessages.join('\n').slice(0, 1500)}`)
    if (status !== 'failed' || failing.length > 0) continue
    // A file that broke off before its tests, or after them.
    failed++
    failures++
    console.log(`  FAILED ${message}`)
  }
  if (report && !report.success && failures === 0) {
    failed++
    console.log('  FAILED: an error outside of all tests')
  }
  if (report?.success) continue
  if (!report) console.log('  FAILED: it did not come to its end')
  const log = join(directory, `${suite}.log`)
  if (existsSync(log)) console.log(readFileSync(log, 'utf8').slice(-3000))
}

console.log(`vm: ${passed} passed, ${failed} failed, ${skipped} skipped`)
if (summary !== '') {
  const counts = { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped }
  writeFileSync(summary, JSON.stringify({ ...counts, success: failed === 0 }))
}
process.exitCode = failed > 0 ? 1 : 0
