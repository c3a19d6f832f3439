// Adds up vitest's JSON reports in a directory, names what failed and was skipped, and prints the one line that counts.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const [directory = '.'] = process.argv.slice(2)
const sum = { passed: 0, failed: 0, skipped: 0 }
let success = true

for (const name of readdirSync(directory).sort()) {
  const report = JSON.parse(readFileSync(join(directory, name), 'utf8'))
  sum.passed += report.numPassedTests
  sum.failed += report.numFailedTests
  sum.skipped += report.numPendingTests + (report.numTodoTests ?? 0)
  success &&= report.success
  for (const file of report.testResults ?? []) {
    // A file that breaks off before its tests has none that failed.
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      sum.failed += 1
      console.log(`failed: ${basename(file.name)}: ${String(file.message).split('\n')[0]}`)
    }
    for (const test of file.assertionResults) {
      if (test.status === 'failed') console.log(`failed: ${basename(file.name)}: ${test.fullName}`)
    }
  }
  if (report.numFailedTests > 0 && !report.testResults) console.log(`failed: ${basename(name, '.json')}`)
}

// Errors outside of any test: vitest counts them only here.
if (!success && sum.failed === 0) sum.failed += 1
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1
