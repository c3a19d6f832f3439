import { appendFileSync, writeFileSync } from 'node:fs'
import { LIFE_TESTS } from './life.ts'
import { LIMIT_TESTS } from './limits.ts'
import { OCI_TESTS } from './ociRuntime.ts'
import { SERVICE_TESTS } from './services.ts'
import { openHost, Skipped, type VmTest } from './support.ts'

const SUITES: Readonly<Record<string, readonly VmTest[]>> = {
  limits: LIMIT_TESTS,
  life: LIFE_TESTS,
  services: SERVICE_TESTS,
  oci: OCI_TESTS,
}

/** `run.ts USER [SUITE...]`: a line of JSON for each test. */
const [user = '', ...words] = process.argv.slice(2)
const results = `/tmp/results-${user}.jsonl`
writeFileSync(results, '')
const report = (line: Readonly<Record<string, unknown>>) =>
  appendFileSync(results, `${JSON.stringify(line)}\n`)

const host = openHost(user)
for (const [suite, tests] of Object.entries(SUITES)) {
  if (words.length > 0 && !words.includes(suite)) continue
  for (const { name, users, run } of tests) {
    if (users && !users.some((each) => each === user)) continue
    const begin = performance.now()
    console.log(`-- ${suite}: ${name}`)
    let outcome = 'passed'
    let detail = ''
    try {
      run(host)
    } catch (error) {
      outcome = error instanceof Skipped ? 'skipped' : 'failed'
      detail = error instanceof Error ? error.message : String(error)
      console.log(detail)
    }
    host.cleanUp()
    report({ name: `${suite}: ${name}`, outcome, seconds: (performance.now() - begin) / 1000, detail })
  }
}
report({ name: '', outcome: 'end', seconds: 0, detail: '' })
