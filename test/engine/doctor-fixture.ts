import { writeSync } from 'node:fs'
import { runDoctor } from '../../src/engine/doctor/run.ts'

// The findings of this host for whoever runs it.
const findings = runDoctor({
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  env: process.env,
  dataRoot: '/var/tmp/bryo-doctor/store',
  program: process.execPath,
})
writeSync(1, `${JSON.stringify(findings)}\n`)
