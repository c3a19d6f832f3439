// What BRYO_RUNTIME starts. It needs nothing that an old Node lacks, so that one can say that it is too old.
const OLDEST = 24

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  console.error(
    `Error: cannot start on ${process.execPath}: it is Node ${process.version}, expected v${OLDEST} or newer`,
  )
  console.error(
    'set BRYO_RUNTIME to the absolute path of a newer one, or leave it out: bryo brings its own runtime',
  )
  process.exit(125)
}
await import('../dist/node/main.js')
