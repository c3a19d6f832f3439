/**
 * Shell: `look PATH` prints what each process of the container has open, where it stands and its environment, and
 * `FOUND` for each way by which PATH, as the host has it, can be reached.
 */
export const POLL_PROCESSES = `look() {
  for p in /proc/[0-9]*; do
    tr '\\0' '\\n' < $p/environ
    for f in $p/root $p/cwd $p/exe $p/fd/*; do
      [ -e "$f$1" ] && echo "FOUND $f$1"
      readlink $f
    done
  done 2>/dev/null
  true
}`

/**
 * What a process of a container may have open: links in /proc, as readlink(2) shows them. The sealed program that executes workloads
 * is in memory of its own, and holds nothing of the host.
 */
const HARMLESS =
  /^(?:(?:FOUND map )?\/(?:memfd:bryo-workload|run\/bryo-init)|\/(?:$|bin\/|dev\/|proc(?:\/|$))|pipe:|socket:|anon_inode:\[signalfd\]$|[A-Za-z_]+=|$)/

/** Lines of the output that a container should not have been able to print. */
export function unexpectedLines(output: string): readonly string[] {
  return output.split('\n').filter((line) => !HARMLESS.test(line))
}
