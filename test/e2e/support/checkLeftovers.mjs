// Fails where a process or a mount has to do with the directory of a test run, or where a test left its own behind.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [base = ''] = process.argv.slice(2)
const read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Gone, or somebody else's.
    return ''
  }
}

const processes = readdirSync('/proc')
  .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && Number(pid) !== process.ppid)
  .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }))
  // The shell that runs the tests has it in its environment.
  .filter(({ pid, command }) => {
    const named = ['cmdline', 'mountinfo'].some((file) =>
      read(`/proc/${pid}/${file}`).includes(`${base}/tmp/`),
    )
    const started = read(`/proc/${pid}/environ`).includes(`=${base}/tmp/`)
    return (named || started) && command !== ''
  })
const mounts = read('/proc/self/mountinfo')
  .split('\n')
  .filter((line) => line.includes(base))
const left = readdirSync(join(base, 'tmp'))

for (const { pid, command } of processes) console.log(`left running: ${pid} ${command}`)
for (const line of mounts) console.log(`left mounted: ${line}`)
for (const name of left) console.log(`left behind: ${name}`)
process.exitCode = processes.length + mounts.length + left.length === 0 ? 0 : 1
