import { writePages } from './generate.ts'

// Run by scripts/man/run.
await writePages()
