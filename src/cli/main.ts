import { unlessErrno } from '../base/errors.ts'
import type { HostFacts } from '../base/hostFacts.ts'
import { VERSION } from '../base/version.ts'
import { runProgram } from './program.ts'

/** What the launcher sets for the runtime: neither a workload nor a helper program is to see it. */
const LAUNCHER_VARIABLE = /^(?:BUN_JSC_|BUN_RUNTIME_TRANSPILER_|MIMALLOC_PURGE_DELAY$|BRYO_ARGV0$)/

function hostFacts(): HostFacts {
  const env: Record<string, string | undefined> = {}
  const runtimeEnv: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (!LAUNCHER_VARIABLE.test(name)) env[name] = value
    else if (value !== undefined) runtimeEnv[name] = value
  }
  return {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    env,
    runtimeEnv,
    cwd: currentDirectory(),
    debug: (process.env.BRYO_DEBUG ?? '') !== '',
  }
}

/** Where the directory was removed: its name, so that relative paths are reported as not found. */
function currentDirectory(): string {
  return unlessErrno(() => process.cwd(), 'ENOENT') ?? process.env.PWD ?? '/'
}

/** A umask may keep files from others, but not from the caller: the store would be closed to its own owner. */
function openUmask(): void {
  const mask = process.umask(0o077)
  process.umask(mask & 0o077)
}

const program = process.env.BRYO_ARGV0 || 'bryo'
const argv = process.argv.slice(2)
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
  // Printed without the file system module, which takes longer to load than all else here.
  console.log(`${program} version ${VERSION}`)
  process.exit(0)
}
openUmask()
// No top-level await: the bundle for Bun is a CommonJS module, the only kind that may have bytecode.
void runProgram({ argv, program, facts: hostFacts() }).then((code) => process.exit(code))
